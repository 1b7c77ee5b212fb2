// Many tabs, one stream: the tab that holds a Web Lock has the connection and passes on what it hears over a BroadcastChannel.
// When it goes, the browser hands the lock to the next, which resumes where it had heard up to. Each tab drops what it knows.

import { Connection, WATCHDOG_MS } from './connection.js';
import { isAfter, Seen } from './cursor.js';
import { Live, RECENT } from './live.js';
import { Memory, streamName } from './memory.js';
import { rest } from './rest.js';

/**
 * @import {Alert, Envelope, Options, Page, Signals, StateChange} from './types.d.ts'
 *
 * @typedef {object} Welcome  What a leader tells a tab that comes, or has missed something.
 * @property {StateChange} state
 * @property {string | undefined} cursor
 * @property {readonly Envelope[]} recent
 * @property {string | undefined} floor  After this cursor, recent has everything.
 *
 * @typedef {object} Said
 * @property {string} from
 * @property {string} [to]
 * @property {number} [n]  Numbers a leader's words without a gap.
 * @property {string | null} [hello]  A tab asks to be told what came after this cursor; null: it has none.
 * @property {Welcome} [welcome]
 * @property {keyof Signals} [type]
 * @property {any} [value]
 * @property {string} [cursor]
 * @property {string} [ask]  Asks the leader for its open alerts; the answer has the same number.
 * @property {string} [answer]
 * @property {Page<Alert>} [page]
 */

const ANSWER_MS = 1_000;
/** @type {(keyof Signals)[]} */
const PASSED_ON = ['state', 'event', 'established', 'heartbeat', 'resync', 'bye'];

/** Whether this browser can share at all. */
export function canShare() {
  return typeof globalThis.BroadcastChannel === 'function' && Boolean(globalThis.navigator?.locks) && typeof globalThis.crypto?.randomUUID === 'function';
}

export class Tabs extends Live {
  #me = crypto.randomUUID();
  #name;
  #channel;
  #memory;
  #seen = new Seen();
  /** The connection, while this tab leads. @type {Connection | undefined} */
  #own;
  #resign = () => {};
  #queue = new AbortController();
  #turn = 0;
  #closed = false;
  #leader = '';
  /** The number of the last word said, or heard. */
  #n = 0;
  #heard = 0;
  /** @type {string | undefined} */
  #floor;
  /** @type {StateChange} */
  #last = { state: 'connecting', previous: 'connecting', reason: 'Asking the other tabs.' };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #watchdog;
  /** @type {Map<string, (page: Page<Alert>) => void>} */
  #asked = new Map();
  #wake = () => {
    if (globalThis.document?.visibilityState !== 'hidden') this.verify();
  };
  #hide = () => this.#memory.flush();

  /** @param {Options} options */
  constructor(options) {
    super(options);
    this.#name = `rxvigil ${streamName(options)} ${options.share}`;
    this.#memory = new Memory(options);
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.onmessage = ({ data }) => this.#hear(data);
    for (const name of ['pageshow', 'online']) globalThis.addEventListener?.(name, this.#wake);
    globalThis.addEventListener?.('pagehide', this.#hide);
    globalThis.document?.addEventListener('visibilitychange', this.#wake);
    queueMicrotask(() => {
      if (this.#closed) return;
      this.#hello();
      this.#stand();
      this.#watch();
    });
  }

  /** Whether this tab holds the stream for the others. */
  get leads() {
    return this.#own !== undefined;
  }

  get cursor() {
    return this.#memory.cursor;
  }

  /** When anything was last heard of the engine, in ms since 1970; 0 for never. */
  get lastHeard() {
    return this.#own?.lastHeard ?? this.#heard;
  }

  /** Looks whether the stream is still what it claims to be, in whichever tab it is. */
  verify() {
    if (this.#closed) return;
    if (this.#own) this.#own.verify();
    else this.#hello();
  }

  /** Ends it for good; another tab takes over. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue.abort();
    this.#retire();
    this.#channel.close();
    clearTimeout(this.#watchdog);
    this.#memory.flush();
    for (const name of ['pageshow', 'online']) globalThis.removeEventListener?.(name, this.#wake);
    globalThis.removeEventListener?.('pagehide', this.#hide);
    globalThis.document?.removeEventListener('visibilitychange', this.#wake);
    this.enter('closed', 'Closed by this page.');
  }

  /** The open alerts as the leader has them; read from the engine when it does not answer. @returns {Promise<Page<Alert>>} */
  async readAlerts() {
    const ask = crypto.randomUUID();
    if (!this.#own && this.#leader) {
      this.#say({ ask });
      /** @type {Page<Alert> | undefined} */
      const page = await new Promise((resolve) => {
        this.#asked.set(ask, resolve);
        setTimeout(() => resolve(undefined), ANSWER_MS);
      });
      this.#asked.delete(ask);
      if (page) return page;
    }
    return rest(this.options).alerts({ branch: this.options.branch });
  }

  /** Waits in line for the lock, or takes it from a tab that went silent. @param {boolean} [steal] */
  #stand(steal = false) {
    const turn = ++this.#turn;
    const how = steal ? { steal } : { signal: this.#queue.signal };
    navigator.locks.request(this.#name, how, () => this.#lead()).catch(() => {
      // Taken from us by a tab that thought us dead: it leads now, and we are back in line.
      if (this.#closed || turn !== this.#turn) return;
      this.#retire();
      this.#stand();
      this.#watch();
    });
  }

  /** Leads until it is closed or robbed of the lock. */
  #lead() {
    if (this.#closed) return;
    clearTimeout(this.#watchdog);
    this.#leader = this.#me;
    const own = new Connection({ ...this.options, share: false, after: this.#memory.cursor, storage: null });
    this.#own = own;
    for (const type of PASSED_ON) {
      own.on(type, (/** @type {any} */ value) => {
        if (this.#own !== own) return;
        const cursor = type === 'event' ? value.id : own.cursor;
        this.#say({ n: ++this.#n, type, value, cursor });
        this.#take(type, value, cursor);
      });
    }
    return new Promise((resolve) => (this.#resign = () => resolve(undefined)));
  }

  #retire() {
    const own = this.#own;
    this.#own = undefined;
    own?.close();
    this.#resign();
    if (this.#leader === this.#me) this.#leader = '';
  }

  /** @param {Omit<Said, 'from'>} what */
  #say(what) {
    this.#channel.postMessage({ from: this.#me, ...what });
  }

  #hello() {
    this.#say({ hello: this.#memory.cursor ?? null });
  }

  /** @param {Said} said */
  #hear(said) {
    if (this.#closed || (said.to && said.to !== this.#me)) return;
    if (this.#own) return this.#serve(said);
    if (said.answer) return this.#asked.get(said.answer)?.(/** @type {Page<Alert>} */ (said.page));
    if (said.n === undefined) return; // a tab like us
    this.#watch();
    if (said.welcome) {
      this.#leader = said.from;
      this.#n = said.n;
      return this.#join(said.welcome);
    }
    // Of a leader not known, or with a gap: it is asked what was missed. Its words count from its welcome on.
    if (said.from !== this.#leader || said.n !== this.#n + 1) {
      this.#leader = '';
      return this.#hello();
    }
    this.#n = said.n;
    if (said.type) this.#take(said.type, said.value, said.cursor);
  }

  /** What a leader answers. @param {Said} said */
  #serve(said) {
    if (said.hello !== undefined) {
      this.#say({ to: said.from, n: this.#n, welcome: { state: this.#last, cursor: this.#memory.cursor, recent: this.recent, floor: this.#floor } });
    } else if (said.ask) {
      const answer = said.ask;
      const { alerts } = this;
      const give = () => this.#say({ to: said.from, answer, page: { items: [...alerts.list], next: null, cursor: this.#memory.cursor ?? '' } });
      if (alerts.loaded) return give();
      const stop = alerts.watch(() => {
        if (!alerts.loaded) return;
        stop();
        give();
      });
    }
  }

  /** @param {Welcome} welcome */
  #join({ state, cursor, recent, floor }) {
    const mine = this.#memory.cursor;
    const whole = mine !== undefined && floor !== undefined && !isAfter(floor, mine);
    if (!whole || !this.#floor) this.#floor = floor;
    for (const event of recent) {
      if (whole && isAfter(event.id, mine)) this.#take('event', event, event.id);
      else if (this.#seen.add(event.id)) this.#keep(event); // what was before this page came is shown, not told
    }
    if (mine && !whole && cursor && cursor !== mine) this.#take('resync', { reason: 'More happened than the other tabs remember.', cursor }, cursor);
    if (cursor) this.#move(cursor);
    if (state.state !== this.state) this.#take('state', state, cursor);
    this.#last = state;
  }

  /** @param {keyof Signals} type @param {any} value @param {string | undefined} cursor */
  #take(type, value, cursor) {
    if (type !== 'state') this.#heard = Date.now();
    if (type === 'state') {
      if (value.state === 'closed') return; // the tab that had it, not the stream
      this.#last = value;
      return this.enter(value.state, value.reason, value);
    }
    if (type === 'event') {
      if (!this.#seen.add(value.id)) return;
      this.#make();
      this.tell(value);
    } else {
      if (type === 'resync') this.#floor = cursor;
      this.emit(type, value);
    }
    this.#floor ??= cursor;
    if (cursor) type === 'resync' ? (this.#memory.cursor = cursor) : this.#move(cursor);
  }

  /** @param {Envelope} event */
  #keep(event) {
    this.#make();
    this.keep(event);
  }

  /** Before one more is kept: what the oldest leaves open is no longer known here. */
  #make() {
    if (this.recent.length === RECENT) this.#floor = this.recent[0]?.id;
  }

  /** A tab that heard more than the new leader does not go back. @param {string} cursor */
  #move(cursor) {
    if (isAfter(cursor, this.#memory.cursor)) this.#memory.cursor = cursor;
  }

  /** A leader that says nothing for as long as an engine may is frozen: the page says so, and takes its place. */
  #watch() {
    clearTimeout(this.#watchdog);
    if (this.#own || this.#closed) return;
    this.#watchdog = setTimeout(() => {
      this.#take('state', { state: 'offline', reason: 'The tab that holds the stream went silent.', retryAt: Date.now() }, undefined);
      this.#leader = '';
      this.#queue.abort();
      this.#queue = new AbortController();
      this.#stand(true);
    }, WATCHDOG_MS * (1 + Math.random() / 4));
  }
}
