// A fake engine and a fake clock for the portal client.

import { connect } from '../client/rxvigil.js';

export const id = (/** @type {number} */ n, epoch = 'e1') => `${epoch}.${String(n).padStart(16, '0')}.00000000`;

/** Lets promises and streams run until they rest. The clock is fake, this is not. */
export const settle = async () => {
  for (let i = 0; i < 6; i++) await new Promise((r) => setImmediate(r));
};

/** An engine that says what it is told to. */
export class Engine {
  requests = /** @type {URL[]} */ ([]);
  streams = /** @type {any[]} */ ([]);
  away = false;
  status = 200;

  fetch = async (/** @type {string} */ url, /** @type {any} */ { signal }) => {
    this.requests.push(new URL(url, 'http://engine'));
    if (this.away) throw new TypeError('fetch failed');
    if (this.status !== 200) return new Response('{}', { status: this.status });
    const body = new ReadableStream({
      start: (controller) => {
        this.streams.push(controller);
        signal.addEventListener('abort', () => { try { controller.error(signal.reason); } catch { /* ended before */ } });
      },
    });
    return new Response(body, { status: 200 });
  };

  raw(/** @type {string} */ text) {
    this.streams.at(-1).enqueue(new TextEncoder().encode(text));
    return settle();
  }
  frame(/** @type {string} */ event, /** @type {any} */ data, /** @type {string} */ cursor = '') {
    return this.raw(`event: ${event}\n${cursor && `id: ${cursor}\n`}data: ${JSON.stringify(data)}\n\n`);
  }
  welcome(/** @type {string | null} */ cursor, resumed = false) {
    return this.frame('connection_established', { connectionId: 'c', resumed, cursor }, cursor ?? '');
  }
  sale(/** @type {number} */ n, more = {}) {
    return this.frame('sale_completed', { id: id(n), type: 'sale_completed', topic: 'sales', tenant: 't', branch: null, at: '2026-01-01T00:00:00Z', xid: String(n), data: {}, ...more }, id(n));
  }
  end() {
    this.streams.at(-1).close();
    return settle();
  }
}

/** @param {import('node:test').TestContext} t */
export function setup(t, options = {}) {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: 1_000_000 });
  t.mock.method(Math, 'random', () => 1); // every delay is its ceiling
  const engine = new Engine();
  const kept = new Map();
  const storage = { getItem: (/** @type {string} */ k) => kept.get(k) ?? null, setItem: (/** @type {string} */ k, /** @type {string} */ v) => void kept.set(k, v) };
  const open = (more = {}) => {
    const live = connect({ tenant: 't', fetch: /** @type {any} */ (engine.fetch), storage, ...options, ...more });
    const told = { states: /** @type {any[]} */ ([]), events: /** @type {any[]} */ ([]), resyncs: /** @type {any[]} */ ([]) };
    live.on('state', (s) => told.states.push(s));
    live.on('event', (e) => told.events.push(e.id));
    live.on('resync', (r) => told.resyncs.push(r));
    t.after(() => live.close());
    return { live, ...told };
  };
  const pass = async (/** @type {number} */ ms) => {
    t.mock.timers.tick(ms);
    await settle();
  };
  return { engine, open, pass, kept };
}
