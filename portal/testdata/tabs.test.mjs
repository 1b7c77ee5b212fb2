// Many tabs and one stream, against a fake engine, a fake clock and fakes of the two things a browser lends: locks and channels.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { connect, Tabs } from '../client/rxvigil.js';
import { id, settle, setup } from './engine.mjs';

/** A browser: what its tabs share. A tab can be killed, or frozen so that it neither hears nor says anything. */
class Browser {
  /** @type {Map<string, { held?: any, queue: any[] }>} */ locks = new Map();
  /** @type {Set<any>} */ channels = new Set();
  /** The tab whose code runs while it is made. @type {any} */ current;

  /** @param {import('node:test').TestContext} t */
  install(t) {
    const browser = this;
    class Channel {
      /** @type {((e: any) => void) | undefined} */ onmessage;
      constructor(/** @type {string} */ name) {
        this.name = name;
        this.tab = browser.current;
        browser.channels.add(this);
      }
      postMessage(/** @type {any} */ data) {
        if (this.tab.dead || this.tab.frozen) return;
        const copy = structuredClone(data);
        for (const other of browser.channels) {
          if (other !== this && other.name === this.name) queueMicrotask(() => !other.tab.dead && !other.tab.frozen && other.onmessage?.({ data: structuredClone(copy) }));
        }
      }
      close() {
        browser.channels.delete(this);
      }
    }
    const was = { BroadcastChannel: globalThis.BroadcastChannel, navigator: Object.getOwnPropertyDescriptor(globalThis, 'navigator') };
    Object.assign(globalThis, { BroadcastChannel: Channel });
    Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { locks: { request: (/** @type {any} */ ...args) => this.request(...args) } } });
    t.after(() => {
      Object.assign(globalThis, { BroadcastChannel: was.BroadcastChannel });
      if (was.navigator) Object.defineProperty(globalThis, 'navigator', was.navigator);
    });
  }

  request(/** @type {string} */ name, /** @type {any} */ { steal, signal }, /** @type {() => any} */ work) {
    const lock = this.locks.get(name) ?? { queue: [] };
    this.locks.set(name, lock);
    return new Promise((resolve, reject) => {
      const one = { work, resolve, reject, tab: this.current };
      signal?.addEventListener('abort', () => {
        lock.queue = lock.queue.filter((other) => other !== one);
        if (lock.held !== one) reject(signal.reason);
      });
      if (steal) {
        lock.held?.reject(new DOMException('stolen', 'AbortError'));
        lock.held = undefined;
        lock.queue.unshift(one);
      } else lock.queue.push(one);
      this.grant(lock);
    });
  }

  grant(/** @type {any} */ lock) {
    queueMicrotask(async () => {
      const next = lock.held ? undefined : lock.queue.shift();
      if (!next) return;
      lock.held = next;
      const result = await next.work();
      if (lock.held !== next) return;
      lock.held = undefined;
      next.resolve(result);
      this.grant(lock);
    });
  }

  /** The tab's process is gone: nothing of it runs on, and the browser gives its lock to the next. @param {any} tab */
  kill(tab) {
    tab.dead = true;
    for (const lock of this.locks.values()) {
      lock.queue = lock.queue.filter((/** @type {any} */ one) => one.tab !== tab);
      if (lock.held?.tab === tab) {
        lock.held = undefined;
        this.grant(lock);
      }
    }
  }
}

/** @param {import('node:test').TestContext} t */
function tabs(t) {
  const world = setup(t);
  const browser = new Browser();
  browser.install(t);
  /** @param {object} [more] */
  const tab = async (more = {}) => {
    const self = { dead: false, frozen: false, live: /** @type {any} */ (undefined), events: /** @type {any[]} */ ([]), states: /** @type {string[]} */ ([]), resyncs: /** @type {any[]} */ ([]) };
    browser.current = self;
    const live = connect({ tenant: 't', share: true, fetch: /** @type {any} */ (world.engine.fetch), storage: null, ...more });
    self.live = live;
    live.on('event', (e) => self.dead || self.events.push(e.xid));
    live.on('state', (s) => self.dead || self.states.push(s.state));
    live.on('resync', (r) => self.dead || self.resyncs.push(r));
    t.after(() => live.close());
    await settle();
    return self;
  };
  return { ...world, browser, tab };
}

const streams = (/** @type {any} */ engine) => engine.requests.filter((/** @type {URL} */ u) => u.pathname.endsWith('/stream')).length;

test('three tabs have one stream, and each hears each event once', async (t) => {
  const { engine, tab } = tabs(t);
  const a = await tab();
  await engine.welcome(id(1));
  await engine.sale(2);
  const b = await tab();
  const c = await tab();
  await engine.sale(3);
  await settle();
  assert.ok(a.live instanceof Tabs);
  assert.equal(streams(engine), 1);
  assert.deepEqual([a.events, b.events, c.events], [['2', '3'], ['3'], ['3']]);
  assert.deepEqual(c.live.recent.map((/** @type {any} */ e) => e.xid), ['2', '3'], 'a tab that comes later is shown what was');
  assert.deepEqual([a.live.state, b.live.state, c.live.state], ['live', 'live', 'live']);
  assert.deepEqual([b.live.cursor, c.live.cursor], [id(3), id(3)]);
});

test('when the leader dies another tab resumes where it had heard up to, and nothing is repeated', async (t) => {
  const { engine, tab, browser } = tabs(t);
  const a = await tab();
  await engine.welcome(id(1));
  const b = await tab();
  const c = await tab();
  await engine.sale(2);
  browser.kill(a);
  await settle();
  assert.equal(streams(engine), 2);
  assert.equal(engine.requests.at(-1)?.searchParams.get('after'), id(2));
  await engine.welcome(id(2), true);
  await engine.sale(2);
  await engine.sale(3);
  await engine.frame('heartbeat', { cursor: id(3), stale: false }, id(3));
  assert.deepEqual([b.events, c.events], [['2', '3'], ['2', '3']]);
  assert.deepEqual([b.resyncs, c.resyncs], [[], []]);
  assert.deepEqual([b.live.state, c.live.state], ['live', 'live']);
});

test('a leader that closes hands over', async (t) => {
  const { engine, tab } = tabs(t);
  const a = await tab();
  await engine.welcome(id(1));
  const b = await tab();
  a.live.close();
  await settle();
  assert.equal(b.live.leads, true);
  assert.equal(a.live.state, 'closed');
  assert.equal(b.states.includes('closed'), false, 'a tab that closes does not close the others');
});

test('a leader that is frozen is robbed of the stream, and is a follower when it thaws', async (t) => {
  const { engine, tab, pass } = tabs(t);
  const a = await tab();
  await engine.welcome(id(1));
  const b = await tab();
  a.frozen = true;
  await engine.sale(2); // heard by the frozen one only
  await pass(26_000);
  await pass(10_000);
  assert.equal(b.states.includes('offline'), true, 'silence is not called live');
  assert.equal(b.live.leads, true);
  assert.equal(engine.requests.at(-1)?.searchParams.get('after'), id(1));
  await engine.welcome(id(1), true);
  await engine.sale(2);
  assert.deepEqual(b.events, ['2']);
  a.frozen = false;
  assert.equal(a.live.leads, false);
  a.live.verify();
  await engine.sale(3);
  await settle();
  assert.deepEqual(a.events, ['2', '3']);
});

test('a tab that slept is told what it missed, or that it missed too much', async (t) => {
  const { engine, tab } = tabs(t);
  await tab();
  await engine.welcome(id(1));
  const b = await tab();
  await engine.sale(2);
  b.frozen = true;
  for (let n = 3; n < 20; n++) await engine.sale(n);
  b.frozen = false;
  await engine.sale(20);
  await settle();
  assert.deepEqual(b.events, Array.from({ length: 19 }, (_, i) => String(i + 2)));
  assert.deepEqual(b.resyncs, []);
  b.frozen = true;
  for (let n = 21; n < 100; n++) await engine.sale(n);
  b.frozen = false;
  b.live.verify();
  await settle();
  assert.equal(b.resyncs.length, 1);
  assert.equal(b.live.cursor, id(99));
  await engine.sale(100);
  assert.equal(b.events.at(-1), '100');
  assert.equal(b.events.length, 20);
});

test('the open alerts come from the leader, not from the engine again', async (t) => {
  const { engine, tab } = tabs(t);
  const inner = engine.fetch;
  let lists = 0;
  const alert = (/** @type {number} */ version, status = 'firing') => ({ id: 'a1', version, status, severity: 'high', started_at: '2026-01-01T00:00:00Z', branch: null });
  engine.fetch = async (/** @type {string} */ url, /** @type {any} */ init) => {
    if (!url.includes('/alerts')) return inner(url, init);
    lists++;
    return new Response(JSON.stringify({ items: [alert(1)], next: null, cursor: id(1) }));
  };
  const a = await tab();
  await engine.welcome(id(1));
  const b = await tab();
  assert.deepEqual([b.live.alerts.list, a.live.alerts.loaded], [[], false]);
  await settle();
  await settle();
  assert.deepEqual(b.live.alerts.list.map((/** @type {any} */ x) => x.id), ['a1']);
  assert.equal(lists, 1);
  const told = (/** @type {number} */ n, /** @type {any} */ data, type = 'alert_changed') => engine.frame(type, { id: id(n), type, topic: 'notifications', tenant: 't', branch: null, xid: '1', data }, id(n));
  await told(2, alert(2, 'acknowledged'));
  assert.equal(b.live.alerts.list[0].status, 'acknowledged');
  await told(3, alert(3, 'resolved'), 'alert_resolved');
  assert.deepEqual([a.live.alerts.list, b.live.alerts.list], [[], []]);
});

test('tabs of two people share nothing; without the browser\u2019s help each tab has its own stream', async (t) => {
  const { engine, tab } = tabs(t);
  await tab({ share: 'ann' });
  await tab({ share: 'ben' });
  assert.equal(streams(engine), 2);
  Object.defineProperty(globalThis, 'navigator', { configurable: true, value: {} });
  const alone = await tab();
  assert.equal(alone.live instanceof Tabs, false);
  assert.equal(streams(engine), 3);
});
