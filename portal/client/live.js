// What every live connection is to its page, whoever holds the stream: handlers, a state, the last events, changes shown ahead.

import { Alerts } from './alerts.js';
import { Ahead } from './optimistic.js';

/**
 * @import {Envelope, Options, Signals, State, StateChange} from './types.d.ts'
 * @import {Change} from './optimistic.js'
 */

/** How many events a page that comes later is shown. */
export const RECENT = 50;
const RESERVED = new Set(['state', 'event', 'established', 'heartbeat', 'resync', 'bye', 'ahead']);

export class Live {
  /** @type {State} */
  #state = 'connecting';
  /** @type {Map<string, Set<(value: any) => void>>} */
  #handlers = new Map();
  /** @type {Envelope[]} */
  #recent = [];
  /** @type {Alerts | undefined} */
  #alerts;
  /** @type {Ahead | undefined} */
  #ahead;
  /** @protected */
  options;

  /** @param {Options} options */
  constructor(options) {
    this.options = options;
  }

  get state() {
    return this.#state;
  }

  /** The last events, at most 50, the oldest first. @returns {readonly Envelope[]} */
  get recent() {
    return this.#recent;
  }

  /** The open alerts, read when first asked for and kept true by the stream. */
  get alerts() {
    this.#alerts ??= new Alerts(this, this.options);
    return this.#alerts;
  }

  /** The changes that are shown and not yet seen in the stream, the oldest first. @returns {readonly Change<any>[]} */
  get ahead() {
    return this.#ahead?.open ?? [];
  }

  /**
   * Shows a change at once, before the database has it: see `Ahead.show`.
   * @template T
   * @param {import('./optimistic.js').Wish<T>} wish
   * @returns {Change<T>}
   */
  optimistic(wish) {
    this.#ahead ??= new Ahead(this);
    return this.#ahead.show(wish);
  }

  /**
   * Calls the handler with every signal of a kind, or with the envelope of every event of a type. Returns how to stop.
   * @template {keyof Signals} K
   * @overload
   * @param {K} type
   * @param {(value: Signals[K]) => void} handler
   * @returns {() => void}
   */
  /**
   * @overload
   * @param {string} type
   * @param {(value: Envelope) => void} handler
   * @returns {() => void}
   */
  /** @param {string} type @param {(value: any) => void} handler */
  on(type, handler) {
    const set = this.#handlers.get(type) ?? new Set();
    this.#handlers.set(type, set.add(handler));
    return () => void set.delete(handler);
  }

  /** @param {string} type @param {any} value */
  emit(type, value) {
    for (const handler of this.#handlers.get(type) ?? []) {
      try {
        handler(value);
      } catch (error) {
        // A mistake in one handler must not cost the others the stream.
        (globalThis.reportError ?? console.error)(error);
      }
    }
  }

  /** @protected @param {Envelope} event */
  tell(event) {
    this.keep(event);
    this.emit('event', event);
    if (!RESERVED.has(event.type)) this.emit(event.type, event);
  }

  /** Keeps an event among the last ones without telling it. @protected @param {Envelope} event */
  keep(event) {
    this.#recent = [...this.#recent.slice(-RECENT + 1), event];
  }

  /** @protected @param {State} state @param {string} reason @param {Partial<StateChange>} [more] */
  enter(state, reason, more) {
    const previous = this.#state;
    this.#state = state;
    this.emit('state', { state, previous, reason, ...more });
  }
}
