// The portal client against a fake engine and a fake clock.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Backoff } from '../client/backoff.js';
import { isAfter, Seen } from '../client/cursor.js';
import { expiryAlerts, stockAlerts } from '../client/monitor.js';
import { rest, RequestError } from '../client/rxvigil.js';
import { parser } from '../client/sse.js';
import { id, settle, setup } from './engine.mjs';

test('delays double from half a second to twenty, with full jitter', (t) => {
  const random = t.mock.method(Math, 'random', () => 1);
  const b = new Backoff();
  assert.deepEqual(Array.from({ length: 8 }, () => b.next()), [500, 1000, 2000, 4000, 8000, 16000, 20000, 20000]);
  b.reset();
  random.mock.mockImplementation(() => 0.25);
  assert.equal(b.next(), 125);
});

test('a stream may be cut anywhere, and end its lines in any way', () => {
  const text = '\uFEFF: hello\r\nretry: 1500\r\n\r\nevent: a\rid: 7\rdata: one\rdata:two\r\rid: 8\n\ndata: three\n\ndata: never';
  for (let cut = 1; cut < text.length; cut++) {
    /** @type {any[]} */ const got = [];
    /** @type {number[]} */ const retries = [];
    const feed = parser((m) => got.push(m), (ms) => retries.push(ms));
    feed(text.slice(0, cut));
    feed(text.slice(cut));
    assert.deepEqual(got, [{ event: 'a', id: '7', data: 'one\ntwo' }, { event: 'message', data: 'three' }], `cut at ${cut}`);
    assert.deepEqual(retries, [1500]);
  }
});

test('cursors have an order within an epoch and none across', () => {
  assert.equal(isAfter(id(2), id(1)), true);
  assert.equal(isAfter(id(1), id(1)), false);
  assert.equal(isAfter(id(1, 'e2'), id(5)), true);
  assert.equal(isAfter(id(1), undefined), true);
  const seen = new Seen(2);
  assert.deepEqual([seen.add('a'), seen.add('a'), seen.add('b'), seen.add('c'), seen.add('a')], [true, false, true, true, true]);
});

test('a first connection is live with its first frame, not before', async (t) => {
  const { engine, open } = setup(t);
  const { live, states } = open();
  await settle();
  assert.equal(live.state, 'connecting');
  assert.equal(engine.requests[0]?.pathname, '/api/tenant/t/stream');
  assert.equal(engine.requests[0]?.search, '');
  await engine.welcome(id(1));
  assert.equal(live.state, 'live');
  assert.deepEqual(states.map((s) => s.state), ['connecting', 'live']);
});

test('topics and branch are asked for', async (t) => {
  const { engine, open } = setup(t, { topics: ['sales', 'inventory'], branch: 'b 1' });
  open();
  await settle();
  assert.equal(engine.requests[0]?.search, '?topics=sales%2Cinventory&branch=b+1');
});

test('a lost stream resumes after the last event, is catching up while it is replayed, and repeats nothing', async (t) => {
  const { engine, open, pass } = setup(t);
  const { live, events } = open();
  await settle();
  await engine.welcome(id(1));
  await engine.sale(2);
  await engine.sale(3);
  await engine.end();
  assert.equal(live.state, 'offline');
  await pass(500);
  assert.equal(engine.requests[1]?.searchParams.get('after'), id(3));
  await engine.welcome(id(3), true);
  assert.equal(live.state, 'catching-up');
  await engine.sale(3); // an at-least-once road
  await engine.sale(4);
  await pass(200);
  await engine.sale(5);
  await pass(200);
  assert.equal(live.state, 'catching-up');
  await pass(200);
  assert.equal(live.state, 'live');
  assert.deepEqual(events, [2, 3, 4, 5].map((n) => id(n)));
});

test('a heartbeat moves the cursor, so a quiet tenant never falls off the log', async (t) => {
  const { engine, open, pass } = setup(t);
  open();
  await settle();
  await engine.welcome(id(1));
  await engine.frame('heartbeat', { cursor: id(9), stale: false }, id(9));
  await engine.end();
  await pass(500);
  assert.equal(engine.requests[1]?.searchParams.get('after'), id(9));
});

test('the cursor outlives a reload, under the name of what it is complete for', async (t) => {
  const { engine, open, pass } = setup(t);
  const first = open();
  await settle();
  await engine.welcome(id(1));
  await engine.sale(2);
  await pass(250);
  first.live.close();
  open();
  await settle();
  assert.equal(engine.requests[1]?.searchParams.get('after'), id(2));
  open({ topics: ['sales'] });
  await settle();
  assert.equal(engine.requests[2]?.searchParams.get('after'), null);
});

test('storage that refuses costs nothing but the memory across reloads', async (t) => {
  const broken = { getItem: () => { throw new Error('forbidden'); }, setItem: () => { throw new Error('full'); } };
  const { engine, open, pass } = setup(t, { storage: broken });
  const { live } = open();
  await settle();
  await engine.welcome(id(1));
  await engine.sale(2);
  await pass(300);
  assert.equal(live.state, 'live');
  assert.equal(live.cursor, id(2));
});

test('silence for two and a half heartbeats is a dead connection, whatever the socket says', async (t) => {
  const { engine, open, pass } = setup(t);
  const { live, states } = open();
  await settle();
  await engine.welcome(id(1));
  await pass(24_000);
  await engine.frame('heartbeat', { cursor: id(1) }, id(1));
  await pass(24_999);
  assert.equal(live.state, 'live');
  await pass(1);
  assert.equal(live.state, 'offline');
  assert.match(states.at(-1).reason, /Nothing was heard/);
  await pass(500);
  assert.equal(engine.requests.length, 2);
});

test('an answer that never comes is given up on, too', async (t) => {
  const { engine, open, pass } = setup(t);
  const { live } = open();
  await settle();
  await pass(25_000);
  assert.equal(live.state, 'offline');
  await pass(500);
  assert.equal(engine.requests.length, 2);
});

test('tries go on for ever; only a connection that lasted starts the delays over', async (t) => {
  const { engine, open, pass } = setup(t);
  const { states } = open();
  engine.away = true;
  await settle();
  const delays = () => states.filter((s) => s.state === 'offline').map((s) => s.retryAt - 1_000_000);
  for (const ms of [500, 1000, 2000, 4000, 8000, 16000, 20000, 20000]) await pass(ms);
  assert.equal(engine.requests.length, 9);
  assert.equal(delays().length, 9);
  engine.away = false;
  await pass(20_000);
  await engine.welcome(id(1));
  await engine.end(); // it lived for a moment only
  assert.equal(states.at(-1).retryAt - Date.now(), 20_000);
  await pass(20_000);
  await engine.welcome(id(1), true);
  await pass(10_000);
  await engine.end();
  assert.equal(states.at(-1).retryAt - Date.now(), 500);
});

test('a goodbye says when to come back', async (t) => {
  const { engine, open, pass } = setup(t);
  const { states } = open();
  await settle();
  await engine.welcome(id(1));
  await engine.frame('bye', { reason: 'shutdown', retry_after_ms: 3200 });
  await engine.end();
  assert.equal(states.at(-1).retryAt - Date.now(), 3200);
  await pass(3199);
  assert.equal(engine.requests.length, 1);
  await pass(1);
  assert.equal(engine.requests.length, 2);
});

test('an engine that is not ready says when to come back; the hint of a good stream is for EventSource', async (t) => {
  const { engine, open, pass } = setup(t);
  const { states } = open();
  await settle();
  await engine.raw('retry: 4000\n\n');
  await engine.end();
  assert.equal(states.at(-1).retryAt - Date.now(), 4000);
  await pass(4000);
  await engine.raw('retry: 4000\n\n');
  await engine.welcome(id(1));
  await engine.end();
  assert.equal(states.at(-1).retryAt - Date.now(), 500);
});

test('a resync is told, and the stream goes on from its cursor', async (t) => {
  const { engine, open, pass } = setup(t, { after: id(5, 'old') });
  const { live, resyncs, events } = open();
  await settle();
  await engine.welcome(null, false);
  assert.deepEqual(resyncs, [], 'the engine says it itself');
  assert.equal(live.cursor, id(5, 'old'), 'a cursor that was not earned is not taken up');
  await engine.frame('resync', { reason: 'epoch_changed', scope: { tenant: 't', branch: null, topics: [] }, cursor: id(70) }, id(70));
  assert.equal(resyncs.length, 1);
  assert.equal(resyncs[0].reason, 'epoch_changed');
  assert.equal(live.cursor, id(70));
  await engine.sale(71);
  await pass(300);
  assert.equal(live.state, 'live');
  assert.deepEqual(events, [id(71)]);
});

test('a frame that cannot be read is a possible loss, and said to be', async (t) => {
  const { engine, open } = setup(t);
  const { resyncs, events } = open();
  await settle();
  await engine.welcome(id(1));
  await engine.raw('event: sale_completed\ndata: {"id":\n\n');
  await engine.sale(2);
  assert.equal(resyncs.length, 1);
  assert.deepEqual(events, [id(2)]);
});

test('stale lasts until the database is seen again', async (t) => {
  const { engine, open } = setup(t);
  const { live, states } = open();
  await settle();
  await engine.welcome(id(1));
  await engine.frame('stale', { since: '2026-01-01T00:00:00Z', reason: 'gone' });
  assert.equal(live.state, 'stale');
  assert.equal(states.at(-1).since, '2026-01-01T00:00:00Z');
  await engine.frame('heartbeat', { cursor: id(1), stale: true }, id(1));
  await engine.frame('alert_raised', { id: id(2), type: 'alert_raised', topic: 'notifications', data: { kind: 'blind' } }, id(2));
  assert.equal(live.state, 'stale', 'an alert can be told blindly');
  await engine.frame('fresh', {});
  assert.equal(live.state, 'live');
  await engine.frame('stale', { reason: 'gone' });
  await engine.sale(3);
  assert.equal(live.state, 'live', 'a change proves it');
  await engine.frame('heartbeat', { cursor: id(3), stale: true }, id(3));
  assert.equal(live.state, 'stale', 'whoever missed the frame hears it from the heartbeat');
  await engine.frame('heartbeat', { cursor: id(3), stale: false }, id(3));
  assert.equal(live.state, 'live');
});

test('waking up tries at once, and drops what died during sleep', async (t) => {
  const { engine, open, pass } = setup(t);
  const { live } = open();
  engine.away = true;
  await settle();
  for (const ms of [500, 1000, 2000, 4000]) await pass(ms);
  engine.away = false;
  live.verify();
  await settle();
  assert.equal(engine.requests.length, 6);
  await engine.welcome(id(1));
  live.verify();
  await settle();
  assert.equal(engine.requests.length, 6, 'a live stream is left alone');
  t.mock.timers.setTime(Date.now() + 3_600_000); // the clock moves, timers slept
  live.verify();
  await pass(0);
  assert.equal(live.state, 'connecting');
});

test('a refusal is named and asked about less often', async (t) => {
  const { engine, open, pass } = setup(t);
  engine.status = 404;
  const { states } = open();
  await settle();
  assert.match(states.at(-1).reason, /no such pharmacy/);
  assert.equal(states.at(-1).retryAt - Date.now(), 5000);
  await pass(5000);
  assert.equal(engine.requests.length, 2);
});

test('who is not known is told so, and comes in with another token', async (t) => {
  const { engine, open, pass } = setup(t);
  const tokens = ['old', 'new'];
  /** @type {any[]} */ const sent = [];
  const fetch = (/** @type {string} */ url, /** @type {any} */ init) => { sent.push(init.headers.Authorization); return engine.fetch(url, init); };
  engine.status = 401;
  const { live, states } = open({ fetch, headers: () => ({ Authorization: tokens.shift() }) });
  await settle();
  assert.equal(live.state, 'unauthorized');
  assert.match(states.at(-1).reason, /who asks/);
  engine.status = 200;
  await pass(5000);
  await engine.welcome(id(1));
  assert.equal(live.state, 'live');
  assert.deepEqual(sent, ['old', 'new']);
});

test('a token that ends is replaced before it does', async (t) => {
  const { engine, open, pass } = setup(t);
  const { live, events } = open({ headers: () => ({ Authorization: 'x' }) });
  await settle();
  await engine.welcome(id(1));
  await engine.sale(2);
  await engine.frame('expiring', { at: '', expires_in: 60 });
  await pass(20_000);
  await engine.frame('heartbeat', { cursor: id(2), stale: false });
  await pass(20_000);
  await engine.frame('heartbeat', { cursor: id(2), stale: false });
  assert.equal(engine.requests.length, 1);
  await pass(10_000);
  assert.equal(engine.requests.length, 2);
  assert.equal(engine.requests[1]?.searchParams.get('after'), id(2));
  await engine.welcome(id(2), true);
  await engine.sale(3);
  assert.deepEqual(events, [id(2), id(3)]);
  assert.notEqual(live.state, 'offline');
});

test('a handler that throws costs the others nothing', async (t) => {
  const { engine, open } = setup(t);
  const { live } = open();
  const complaint = t.mock.method(console, 'error', () => {}); // what node has in place of reportError
  /** @type {string[]} */ const heard = [];
  live.on('sale_completed', () => { throw new Error('mine'); });
  const stop = live.on('sale_completed', (e) => heard.push(e.id));
  await settle();
  await engine.welcome(id(1));
  await engine.sale(2);
  stop();
  await engine.sale(3);
  assert.deepEqual(heard, [id(2)]);
  assert.equal(complaint.mock.callCount(), 2);
  assert.equal(live.cursor, id(3));
});

test('a closed client asks nothing and says nothing', async (t) => {
  const { engine, open, pass } = setup(t);
  const { live, events } = open();
  await settle();
  await engine.welcome(id(1));
  live.close();
  await pass(60_000);
  live.verify();
  await pass(60_000);
  assert.equal(engine.requests.length, 1);
  assert.deepEqual(events, []);
});

test('lists are read to their end, and keep the cursor of their first page', async () => {
  /** @type {string[]} */ const asked = [];
  const fetch = async (/** @type {string} */ url) => {
    asked.push(url);
    return Response.json(url.includes('after=') ? { items: [{ id: 'b' }], next: null, cursor: id(2) } : { items: [{ id: 'a' }], next: 'k', cursor: id(1) });
  };
  const page = await rest({ tenant: 'a/b', fetch: /** @type {any} */ (fetch) }).alerts();
  assert.deepEqual(page, { items: [{ id: 'a' }, { id: 'b' }], next: null, cursor: id(1) });
  assert.deepEqual(asked, ['/api/tenant/a%2Fb/alerts', '/api/tenant/a%2Fb/alerts?after=k']);
});

test('a refused act carries the problem in its own words', async () => {
  const fetch = async () => new Response(JSON.stringify({ type: '/problems/x', title: 'No', detail: 'Snooze ends within a year.' }), { status: 400 });
  await assert.rejects(
    rest({ tenant: 't', fetch: /** @type {any} */ (fetch) }).snooze('a-1', { for: '9000h' }),
    (error) => error instanceof RequestError && error.status === 400 && error.message === 'Snooze ends within a year.' && error.type === '/problems/x',
  );
});

test('portal B\u2019s lists: urgency by stock and by days, which count where the pharmacy is', () => {
  const alert = (/** @type {string} */ kind, /** @type {any} */ values, subject = {}) => /** @type {any} */ ({ id: 'x', kind, values, branch: 'b', subject: { id: 's', name: 'Name', ...subject } });
  assert.deepEqual(stockAlerts([alert('low_stock', { available: 0, min: 5 }), alert('low_stock', { available: 3, min: 5 }), alert('low_stock', { available: null }), alert('expiry', {})]).map((a) => [a.currentStock, a.minStockLevel, a.urgency]),
    [[0, 5, 'critical'], [3, 5, 'warning'], [null, null, 'warning']]);
  const now = new Date('2026-11-28T22:30:00Z');
  const days = (/** @type {string} */ zone) => expiryAlerts(['2026-11-28', '2026-12-06', '2026-12-29', '2026-12-30', 'infinity'].map((expires) => alert('expiry', { expires }, { medicine: 'm', lot: 'L' })), zone, now).map((a) => [a.daysUntilExpiry, a.urgency]);
  assert.deepEqual(days('UTC'), [[0, 'critical'], [8, 'warning'], [31, 'info'], [32, 'info'], [null, 'info']]);
  assert.deepEqual(days('Africa/Addis_Ababa'), [[-1, 'critical'], [7, 'critical'], [30, 'warning'], [31, 'info'], [null, 'info']]);
});
