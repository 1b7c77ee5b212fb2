// One tenant's stream, kept alive for ever. Promises: every event reaches the handlers once and in order; when that cannot
// be promised a `resync` says so; and the state is never better than what was really heard.

import { Backoff } from './backoff.js';
import { Seen } from './cursor.js';
import { Live } from './live.js';
import { Memory } from './memory.js';
import { hasSockets, openSocket } from './socket.js';
import { parser } from './sse.js';

/**
 * @import {Envelope, Options, State} from './types.d.ts'
 * @import {Message} from './sse.js'
 */

export const HEARTBEAT_MS = 10_000;
/** Silence longer than this means the connection is dead, whatever the socket says. */
export const WATCHDOG_MS = 2.5 * HEARTBEAT_MS;
/** A connection that lasted this long was a good one: the next loss starts the delays over. */
const STABLE_MS = HEARTBEAT_MS;
/** A burst is taken in slices of so many characters, for so long at a time: the page draws in between. */
const SLICE = 4096;
const SLICE_MS = 8;
/** A page that is covered says that it is visible and draws nothing: so long a frame is waited for. */
const COVERED_MS = 50;
/** Replay is written without a pause; this much quiet means it is over. */
const QUIET_MS = 300;
/** So long before a token ends another one is asked for. */
const RENEW_S = 10;
/** An event stream whose first frame takes longer may be held back by something between: a WebSocket is tried. */
const FIRST_MS = 6_000;
/** A refusal (unknown tenant, no right) rarely heals in a second. */
const REFUSED_MS = 5_000;

/**
 * @typedef {object} Attempt
 * @property {AbortController} abort
 * @property {string | undefined} asked  The cursor it asked to resume after.
 * @property {boolean} established
 * @property {number | undefined} retry  Milliseconds the server wants us to stay away, if it said so.
 */

export class Connection extends Live {
  #memory;
  #seen = new Seen();
  #backoff = new Backoff();
  /** @type {Attempt | undefined} */
  #attempt;
  /** @type {Record<string, ReturnType<typeof setTimeout> | undefined>} */
  #timers = {};
  #heard = 0;
  #watched = 0;
  #staleAt = '';
  #closed = false;
  #socket;
  #wake = () => this.verify();
  #see = () => {
    if (globalThis.document?.visibilityState !== 'hidden') this.verify();
  };
  #hide = () => this.#memory.flush();

  /** @param {Options} options */
  constructor(options) {
    super(options);
    this.#memory = new Memory(options);
    this.#socket = options.transport === 'websocket';
    globalThis.addEventListener?.('online', this.#wake);
    globalThis.addEventListener?.('pageshow', this.#wake);
    globalThis.addEventListener?.('pagehide', this.#hide);
    globalThis.document?.addEventListener('visibilitychange', this.#see);
    // Handlers attached right after construction must hear the first state.
    queueMicrotask(() => void this.#open());
  }

  /** The cursor up to which everything was handed over. */
  get cursor() {
    return this.#memory.cursor;
  }

  /** When anything at all was last heard, in ms since 1970; 0 for never. */
  get lastHeard() {
    return this.#heard;
  }

  /** Looks whether the connection is still what it claims to be, and tries at once when it waits for its next try. */
  verify() {
    if (this.#closed) return;
    if (this.state === 'offline' || this.state === 'unauthorized') void this.#open();
    else if (this.#attempt && Date.now() - this.#watched > WATCHDOG_MS) this.#lose('Nothing was heard while this page slept.', 0);
  }

  /** Ends it for good. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#drop();
    this.#memory.flush();
    globalThis.removeEventListener?.('online', this.#wake);
    globalThis.removeEventListener?.('pageshow', this.#wake);
    globalThis.removeEventListener?.('pagehide', this.#hide);
    globalThis.document?.removeEventListener('visibilitychange', this.#see);
    this.enter('closed', 'Closed by this page.');
  }

  async #open() {
    if (this.#closed) return;
    this.#drop();
    /** @type {Attempt} */
    const attempt = { abort: new AbortController(), asked: this.#memory.cursor, established: false, retry: undefined };
    this.#attempt = attempt;
    this.enter('connecting', 'Asking the engine for its stream.');
    this.#watch();
    const mine = () => this.#attempt === attempt;
    try {
      if (this.#socket) return await this.#listen(attempt);
      // A proxy that waits for the whole answer may hold back its head as well.
      if (!this.options.transport && hasSockets(this.options)) this.#timers.first = setTimeout(() => mine() && this.#switch(), FIRST_MS);
      const response = await this.#request(attempt);
      if (!mine()) return;
      if (!response.ok) return this.#lose(refusal(response.status), REFUSED_MS, response.status === 401 || response.status === 403 ? 'unauthorized' : 'offline');
      if (!response.body) return this.#lose('The engine sent no stream.', REFUSED_MS);
      const reader = response.body.pipeThrough(/** @type {any} */ (new TextDecoderStream())).getReader();
      const feed = parser((m) => mine() && this.#take(m, attempt), (ms) => (attempt.retry = attempt.established ? attempt.retry : ms));
      for (let since = performance.now(); ; ) {
        const { done, value } = await reader.read();
        if (!mine()) return;
        if (done) break;
        this.#heard = Date.now();
        this.#watch();
        for (let at = 0; at < value.length; at += SLICE) {
          feed(value.slice(at, at + SLICE));
          if (!mine()) return; // a handler closed or reopened us
          if (performance.now() - since < SLICE_MS) continue;
          await breath();
          if (!mine()) return;
          since = performance.now();
        }
      }
      this.#lose(attempt.established ? 'The engine closed the connection.' : 'The engine is not ready yet.');
    } catch {
      if (mine()) this.#lose(attempt.established ? 'The connection broke.' : 'The engine cannot be reached.');
    }
  }

  /** The same over a WebSocket. One that does not come to stand gives way to an event stream. @param {Attempt} attempt */
  async #listen(attempt) {
    const mine = () => this.#attempt === attempt;
    await openSocket(this.options, attempt.asked, attempt.abort.signal, {
      frame: (event, body, id) => {
        if (!mine()) return;
        this.#heard = Date.now();
        this.#watch();
        this.#act(event, body, id, attempt);
      },
      end: (reason, unauthorized) => {
        if (!mine()) return;
        if (unauthorized) return this.#lose(reason, REFUSED_MS, 'unauthorized');
        this.#lose(reason);
      },
    });
  }

  #switch() {
    this.#lose(`Nothing came for ${FIRST_MS / 1000} seconds; trying a WebSocket.`, 0);
    this.#socket = true;
  }

  /** @param {Attempt} attempt */
  async #request({ abort, asked }) {
    const { url = '', tenant, topics, branch, headers, fetch = globalThis.fetch } = this.options;
    const query = new URLSearchParams();
    if (topics?.length) query.set('topics', topics.join(','));
    if (branch) query.set('branch', branch);
    // In the query rather than as Last-Event-ID: a header of that name would cost a CORS preflight.
    if (asked) query.set('after', asked);
    const text = query.toString();
    return fetch(`${url}/api/tenant/${encodeURIComponent(tenant)}/stream${text && `?${text}`}`, {
      headers: { Accept: 'text/event-stream', ...(await headers?.()) },
      cache: 'no-store',
      signal: abort.signal,
    });
  }

  /** @param {Message} message @param {Attempt} attempt */
  #take(message, attempt) {
    let body;
    try {
      body = JSON.parse(message.data);
    } catch {
      return this.emit('resync', { reason: 'The engine sent a frame that cannot be read.' });
    }
    this.#act(message.event, body, message.id, attempt);
  }

  /** @param {string} event @param {any} body @param {string | undefined} id @param {Attempt} attempt */
  #act(event, body, id, attempt) {
    switch (event) {
      case 'connection_established':
        return this.#establish(body, id, attempt);
      case 'heartbeat':
        return this.#beat(body, id);
      case 'resync':
        this.#memory.cursor = body.cursor ?? id ?? body.id ?? this.#memory.cursor;
        return this.emit('resync', body.data ?? body);
      case 'stale':
        this.#staleAt = this.#memory.cursor ?? '';
        return this.enter('stale', body.reason || 'The engine cannot see the database.', { since: body.since });
      case 'fresh':
        return this.state === 'stale' ? this.enter('live', 'The engine sees the database again.') : undefined;
      case 'bye':
        attempt.retry = Number.isFinite(body.retry_after_ms) ? body.retry_after_ms : undefined;
        return this.emit('bye', body);
      case 'expiring':
        return this.#renew(body.expires_in);
      default:
        this.#deliver(body, id);
    }
  }

  /** @param {any} body @param {string | undefined} id @param {Attempt} attempt */
  #establish(body, id, attempt) {
    attempt.established = true;
    clearTimeout(this.#timers.first);
    attempt.retry = undefined;
    this.#timers.stable = setTimeout(() => this.#backoff.reset(), STABLE_MS);
    const resumed = body.resumed === true;
    const cursor = body.cursor ?? id;
    if (cursor && !(resumed && attempt.asked)) this.#memory.cursor = cursor;
    this.emit('established', body);
    if (!attempt.asked) return this.enter('live', 'Connected.');
    // Without a cursor the engine's own resync is on its way; with one, nobody else will say it.
    if (!resumed && cursor) this.emit('resync', { reason: 'The engine could not resume where we were.', cursor });
    this.enter('catching-up', resumed ? 'Replaying what was missed.' : 'Too much was missed; reading everything anew.');
    this.#awaitQuiet();
  }

  /** Comes back with a new token before this one ends, where there is a function to ask for one. @param {unknown} seconds */
  #renew(seconds) {
    if (!this.options.headers || typeof seconds !== 'number') return;
    clearTimeout(this.#timers.renew);
    this.#timers.renew = setTimeout(() => void this.#open(), Math.max(0, seconds - RENEW_S) * 1000);
  }

  /** @param {any} body @param {string | undefined} id */
  #beat(body, id) {
    const cursor = body.cursor ?? id;
    // The engine's canary moves the cursor while the database is in sight, even when nobody buys anything.
    const sees = body.stale === false || (body.stale === undefined && Boolean(cursor) && cursor !== this.#staleAt);
    if (cursor) this.#memory.cursor = cursor;
    if (body.stale === true && this.state !== 'stale') this.enter('stale', 'The engine cannot see the database.');
    else if (this.state === 'catching-up' || (this.state === 'stale' && sees)) this.enter('live', 'Connected.');
    this.emit('heartbeat', body);
  }

  /** @param {Envelope} event @param {string | undefined} id */
  #deliver(event, id) {
    const name = id ?? event.id;
    if (name && !this.#seen.add(name)) return;
    // Only an alert (that we are blind, say) can be told while the database is out of sight; anything else proves it is seen.
    if (this.state === 'stale') {
      if (event.topic === 'notifications') this.#staleAt = name ?? '';
      else this.enter('live', 'Connected.');
    }
    if (this.state === 'catching-up') this.#awaitQuiet();
    this.tell(event);
    if (name) this.#memory.cursor = name;
  }

  #awaitQuiet() {
    clearTimeout(this.#timers.quiet);
    this.#timers.quiet = setTimeout(() => this.state === 'catching-up' && this.enter('live', 'Connected.'), QUIET_MS);
  }

  #watch() {
    this.#watched = Date.now();
    clearTimeout(this.#timers.watchdog);
    this.#timers.watchdog = setTimeout(() => this.#lose('Nothing was heard for 25 seconds.'), WATCHDOG_MS);
  }

  /** @param {string} reason @param {number} [atLeast] No earlier than this; 0: at once. @param {State} [state] */
  #lose(reason, atLeast, state = 'offline') {
    const told = this.#attempt?.retry;
    if (!this.#attempt?.established && !this.options.transport) this.#socket = false;
    this.#drop();
    const delay = atLeast === 0 ? 0 : Math.max(told ?? this.#backoff.next(), atLeast ?? 0);
    this.enter(state, reason, { retryAt: Date.now() + delay });
    this.#timers.retry = setTimeout(() => void this.#open(), delay);
  }

  #drop() {
    const attempt = this.#attempt;
    this.#attempt = undefined;
    attempt?.abort.abort();
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.#timers = {};
  }
}

/** Lets the page draw a frame, or where it draws none everything else have its turn. */
function breath() {
  return new Promise((resolve) => {
    const { requestAnimationFrame: draw, document: page } = globalThis;
    if (!draw || page?.visibilityState === 'hidden') return soon(resolve);
    const go = () => {
      clearTimeout(late);
      cancelAnimationFrame(frame);
      soon(resolve); // behind the frame
    };
    const frame = draw(go);
    const late = setTimeout(go, COVERED_MS);
  });
}

/** The next task; unlike a timer's also in a hidden page, at once. @param {(value: unknown) => void} what */
function soon(what) {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    what(undefined);
  };
  port2.postMessage(0);
}

/** @param {number} status */
function refusal(status) {
  if (status === 404) return 'The engine knows no such pharmacy.';
  if (status === 401) return 'The engine wants to know who asks.';
  if (status === 403) return 'The engine does not let us in.';
  return `The engine answered ${status}.`;
}
