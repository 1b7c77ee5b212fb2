// The cursor, kept in memory and across reloads. Storage may be full, forbidden or absent: then a reload starts at the head.

/** @import {Options} from './types.d.ts' */

const WRITE_MS = 250;

/**
 * Names what a connection hears: a cursor reached through a filter is complete for that filter only.
 * @param {Options} options
 */
export function streamName({ url = '', tenant, branch = '', topics = [] }) {
  return `${url} ${tenant} ${branch} ${[...topics].sort().join(',')}`;
}

export class Memory {
  /** @type {string | undefined} */
  #cursor;
  #key;
  #storage;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {Options} options */
  constructor(options) {
    this.#key = `rxvigil.cursor ${streamName(options)}`;
    this.#storage = options.storage === undefined ? session() : options.storage;
    this.#cursor = options.after ?? this.#read();
  }

  get cursor() {
    return this.#cursor;
  }

  set cursor(value) {
    if (value === this.#cursor) return;
    this.#cursor = value;
    // At most four writes a second: storage is synchronous and a burst may bring ten thousand cursors.
    if (this.#storage) this.#timer ??= setTimeout(() => this.flush(), WRITE_MS);
  }

  /** Writes now what waits to be written. */
  flush() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      if (this.#cursor) this.#storage?.setItem(this.#key, this.#cursor);
    } catch {
      // Full or forbidden: the cursor in memory still resumes this page.
    }
  }

  #read() {
    try {
      return this.#storage?.getItem(this.#key) ?? undefined;
    } catch {
      return undefined;
    }
  }
}

function session() {
  try {
    return globalThis.sessionStorage ?? null;
  } catch {
    return null;
  }
}
