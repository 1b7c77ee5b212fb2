// The WebSocket, and the way between it and the event stream: a fake engine, a fake clock.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { id, settle, setup } from './engine.mjs';

/** @type {any[]} */
let sockets = [];
class Socket {
  sent = /** @type {any[]} */ ([]);
  closed = false;
  /** @type {any} */ onmessage;
  /** @type {any} */ onclose;
  constructor(/** @type {string} */ url, /** @type {string} */ protocol) {
    this.url = new URL(url);
    this.protocol = protocol;
    sockets.push(this);
  }
  send(/** @type {string} */ text) { this.sent.push(JSON.parse(text)); }
  close() { this.closed = true; }
  say(/** @type {any} */ frame) { this.onmessage({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) }); return settle(); }
  end(code = 1006, reason = '') { this.onclose({ code, reason }); return settle(); }
  /** @param {string | null} cursor */
  async welcome(cursor, resumed = false) {
    await this.say({ op: 'connection_established', connectionId: 'c', resumed: false, cursor: null });
    await this.say({ op: 'ok', id: 'begin', cursor, resumed });
  }
  sale(/** @type {number} */ n) {
    return this.say({ id: id(n), type: 'sale_completed', topic: 'sales', tenant: 't', branch: null, at: '2026-01-01T00:00:00Z', xid: String(n), data: {} });
  }
}

/** @param {import('node:test').TestContext} t */
function world(t, options = {}) {
  sockets = [];
  return setup(t, { url: 'https://engine', WebSocket: Socket, ...options });
}

test('a stream whose answer is held back gives way to a WebSocket, which resumes where it was', async (t) => {
  const { open, pass } = world(t);
  const held = open({ after: id(2), topics: ['sales'], fetch: () => new Promise(() => {}) });
  await settle();
  await pass(6_000);
  const socket = sockets[0];
  assert.equal(socket.url.href, 'wss://engine/api/tenant/t/ws');
  assert.equal(socket.protocol, 'rxvigil.v1');
  await socket.say({ op: 'connection_established', connectionId: 'c', resumed: false, cursor: null });
  assert.deepEqual(socket.sent, [{ op: 'subscribe', id: 'begin', after: id(2), topics: ['sales'] }]);
  assert.equal(held.live.state, 'connecting');
  await socket.say({ op: 'ok', id: 'begin', cursor: id(2), resumed: true });
  await socket.sale(3);
  await socket.say({ op: 'heartbeat', cursor: id(3), stale: false });
  assert.equal(held.live.state, 'live');
  assert.deepEqual(held.events, [id(3)]);
});

test('a WebSocket that does not come to stand gives way to the stream again', async (t) => {
  const { open, pass } = world(t);
  const asked = /** @type {string[]} */ ([]);
  open({ fetch: (/** @type {string} */ url) => { asked.push(url); return new Promise(() => {}); } });
  await settle();
  await pass(6_000);
  assert.equal(sockets.length, 1);
  await sockets[0].end();
  await pass(1_000);
  assert.equal(asked.length, 2);
  await pass(6_000);
  assert.equal(sockets.length, 2, 'and to a WebSocket once more');
  await sockets[1].welcome(id(1));
  await sockets[1].end(1012, 'shutdown');
  await pass(20_000);
  assert.equal(sockets.length, 3, 'one that stood is what is tried next');
});

test('a token goes by way of a ticket, and is asked for again when it ends', async (t) => {
  const { open, pass } = world(t);
  let token = 0;
  let refuse = true;
  const asked = /** @type {any[]} */ ([]);
  const fetch = async (/** @type {string} */ url, /** @type {any} */ init) => {
    asked.push([url, init.headers.Authorization]);
    return refuse ? new Response('{}', { status: 401 }) : new Response(JSON.stringify({ ticket: 'T', expires_in: 30 }), { status: 201 });
  };
  const { live, states } = open({ transport: 'websocket', fetch, headers: () => ({ Authorization: `Bearer ${++token}` }) });
  await settle();
  assert.equal(live.state, 'unauthorized');
  refuse = false;
  await pass(5_000);
  assert.deepEqual(asked, [['https://engine/api/tickets', 'Bearer 1'], ['https://engine/api/tickets', 'Bearer 2']]);
  assert.equal(sockets[0].url.searchParams.get('ticket'), 'T');
  await sockets[0].welcome(id(1));
  assert.equal(live.state, 'live');
  await sockets[0].end(4401, 'token expired');
  assert.equal(live.state, 'unauthorized');
  await pass(5_000);
  assert.equal(asked.length, 3);
  assert.deepEqual(states.map((s) => s.state), ['connecting', 'unauthorized', 'connecting', 'live', 'unauthorized', 'connecting']);
});

test('what a WebSocket says of the database, of a gap and of its end is taken as from a stream', async (t) => {
  const { open, pass } = world(t, { transport: 'websocket' });
  const { live, resyncs } = open();
  await settle();
  const [socket] = sockets;
  await socket.welcome(id(1));
  await socket.say({ op: 'stale', since: 'x', reason: 'gone' });
  assert.equal(live.state, 'stale');
  await socket.say({ op: 'fresh' });
  assert.equal(live.state, 'live');
  await socket.say({ op: 'resync', reason: 'gap', cursor: id(9) });
  await socket.say('{');
  assert.deepEqual(resyncs.map((r) => r.reason), ['gap', 'The engine sent a frame that cannot be read.']);
  assert.equal(live.cursor, id(9));
  await socket.say({ op: 'bye', reason: 'shutdown', retry_after_ms: 700 });
  await socket.end(1012, 'shutdown');
  assert.equal(live.state, 'offline');
  await pass(700);
  assert.equal(sockets.length, 2);
  await pass(25_000);
  assert.equal(live.state, 'offline');
  assert.equal(sockets[1].closed, true, 'one that says nothing is given up');
  live.close();
});
