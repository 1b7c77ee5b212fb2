// Cursors name places in the engine's log: epoch.LSN.ordinal. Within an epoch they sort as text in commit order; across
// epochs they have no order.

/**
 * Whether an event is news to a picture that was read at a cursor. Without an order it counts as news: the caller's own
 * version check decides then.
 * @param {string | undefined} event
 * @param {string | undefined | null} picture
 */
export function isAfter(event, picture) {
  if (!event || !picture || epochOf(event) !== epochOf(picture)) return true;
  return event > picture;
}

/** @param {string} cursor */
function epochOf(cursor) {
  return cursor.slice(0, cursor.indexOf('.'));
}

/** Remembers the last ids it saw, so that a replay is dropped rather than counted twice. */
export class Seen {
  /** @type {Set<string>} */
  #ids = new Set();

  /** @param {number} [size] How many ids are remembered. */
  constructor(size = 4096) {
    this.size = size;
  }

  /** Tells whether the id is new, and remembers it.
   * @param {string} id */
  add(id) {
    if (this.#ids.has(id)) return false;
    this.#ids.add(id);
    if (this.#ids.size > this.size) {
      for (const oldest of this.#ids) {
        this.#ids.delete(oldest);
        break;
      }
    }
    return true;
  }
}
