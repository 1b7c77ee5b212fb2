// Changes shown before the database has them, kept until the stream shows the transaction, taken back with a reason otherwise.
//
//   const change = live.optimistic({
//     value: { id, on_hand: 7 },
//     send: async () => (await post('/api/stock', …)).xid,    // pg_current_xact_id() of the app's transaction
//   });
//   change.done.catch(({ message }) => say(message));         // taken back: refused, or never seen

/**
 * @import {Envelope} from './types.d.ts'
 * @import {Live} from './live.js'
 */

const PATIENCE_MS = 5_000;
/** So many transactions are remembered while an answer is awaited: the stream is often faster than the app. */
const MOST_XIDS = 1_000;

/**
 * @template T
 * @typedef {object} Wish
 * @property {T} value  What is to be shown meanwhile; the page's own business.
 * @property {() => Promise<string | number | bigint | void>} send  Asks the app. Resolves to the transaction's `xid` where the app returns one; rejects when it is refused.
 * @property {(event: Envelope) => boolean} [match]  Knows the change by its event, where there is no xid.
 * @property {number} [timeout]  How long the stream may take to show it, in ms of a live connection. Default 5000.
 */

/** Why a change was taken back: `refused` by the app, `unseen` in the stream in time, or `closed`. */
export class TakenBack extends Error {
  /** @param {'refused' | 'unseen' | 'closed'} reason @param {string} message @param {unknown} [cause] */
  constructor(reason, message, cause) {
    super(message, { cause });
    this.name = 'TakenBack';
    this.reason = reason;
  }
}

/**
 * One change under way.
 * @template T
 */
export class Change {
  /** @type {'sending' | 'sent' | 'confirmed' | 'taken-back'} */
  state = 'sending';
  /** @type {TakenBack | undefined} */
  problem;
  /** @type {string | undefined} */
  xid;
  /** The event that showed it; none when everything was read anew instead. @type {Envelope | undefined} */
  event;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer;

  /** @param {Wish<T>} wish */
  constructor(wish) {
    this.wish = wish;
    this.value = wish.value;
    /** Resolves once the stream has shown it, rejects with a TakenBack. @type {Promise<Change<T>>} */
    this.done = new Promise((resolve, reject) => {
      this.settle = () => (this.problem ? reject(this.problem) : resolve(this));
    });
    this.done.catch(() => {}); // nobody has to listen
  }
}

/** The changes of one connection that are ahead of the database. */
export class Ahead {
  #live;
  /** @type {readonly Change<any>[]} */
  open = [];
  /** Transactions seen since the oldest open change began, each with an event of it. @type {Map<string, Envelope>} */
  #seen = new Map();
  /** The transaction whose last event is not here yet. @type {Envelope | undefined} */
  #begun;

  /** @param {Live} live */
  constructor(live) {
    this.#live = live;
    live.on('event', (event) => this.#take(event));
    // A heartbeat comes between transactions, never within.
    live.on('heartbeat', () => this.#finish());
    live.on('resync', () => this.#anew());
    live.on('state', ({ state }) => this.#clock(state));
  }

  /**
   * @template T
   * @param {Wish<T>} wish
   * @returns {Change<T>}
   */
  show(wish) {
    const change = new Change(wish);
    this.open = [...this.open, change];
    this.#live.emit('ahead', this.open);
    void this.#send(change);
    return change;
  }

  /** @param {Change<any>} change */
  async #send(change) {
    try {
      const xid = await change.wish.send();
      if (change.state !== 'sending') return;
      change.state = 'sent';
      if (xid !== undefined && xid !== null) change.xid = String(xid);
      else if (!change.wish.match) throw new TypeError('send gave no xid, and there is no match to know the change by');
    } catch (cause) {
      if (change.state === 'sending' || change.state === 'sent') this.#end(change, new TakenBack('refused', cause instanceof Error ? cause.message : String(cause), cause));
      return;
    }
    const seen = change.xid === undefined ? undefined : this.#seen.get(change.xid);
    if (seen) return this.#end(change, undefined, seen);
    if (change.event) return this.#end(change, undefined, change.event);
    this.#clock(this.#live.state);
  }

  /** @param {Envelope} event */
  #take(event) {
    if (this.#begun && this.#begun.xid !== event.xid) this.#finish();
    for (const change of this.open) {
      // Where an xid is to come it decides; a match before it is kept for the case that none comes.
      if (!change.event && change.xid === undefined && change.wish.match?.(event)) change.event = event;
    }
    this.#begun = event;
    if (event.last) this.#finish();
  }

  /** A transaction was shown whole. */
  #finish() {
    const event = this.#begun;
    this.#begun = undefined;
    if (!event || this.open.length === 0) return;
    this.#seen.set(event.xid, event);
    if (this.#seen.size > MOST_XIDS) for (const oldest of this.#seen.keys()) { this.#seen.delete(oldest); break; }
    for (const change of this.open) {
      if (change.state === 'sent' && (change.xid === undefined ? change.event : change.xid === event.xid)) this.#end(change, undefined, change.event ?? event);
    }
  }

  /** After a resync the page reads everything anew: what the app has taken is in it. */
  #anew() {
    this.#begun = undefined;
    for (const change of this.open) if (change.state === 'sent') this.#end(change);
  }

  /** Only a live connection can be late. @param {string} state */
  #clock(state) {
    for (const change of this.open) {
      if (state === 'closed') this.#end(change, new TakenBack('closed', 'The connection was closed before the stream showed the change.'));
      else if (state !== 'live') {
        clearTimeout(change.timer);
        change.timer = undefined;
      } else if (change.state === 'sent') {
        change.timer ??= setTimeout(() => this.#end(change, new TakenBack('unseen', 'The app took the change, but the stream did not show it in time.')), change.wish.timeout ?? PATIENCE_MS);
      }
    }
  }

  /** @param {Change<any>} change @param {TakenBack} [problem] @param {Envelope} [event] */
  #end(change, problem, event) {
    clearTimeout(change.timer);
    change.problem = problem;
    change.event = event;
    change.state = problem ? 'taken-back' : 'confirmed';
    this.open = this.open.filter((other) => other !== change);
    if (this.open.length === 0) this.#seen.clear();
    this.#live.emit('ahead', this.open);
    change.settle?.();
  }
}
