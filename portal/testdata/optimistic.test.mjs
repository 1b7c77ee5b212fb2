// Changes that are shown before the database has them: a fake engine, a fake clock.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { id, settle, setup } from './engine.mjs';

/** An answer that comes when the test wants it. @returns {any} */
function later() {
  /** @type {any} */ const self = {};
  self.promise = new Promise((resolve, reject) => Object.assign(self, { resolve, reject }));
  return self;
}

/** @param {import('node:test').TestContext} t */
async function begin(t) {
  const world = setup(t);
  const { live } = world.open();
  await settle();
  await world.engine.welcome(id(1));
  const answer = later();
  return { ...world, live, answer };
}

const reason = (/** @type {any} */ change) => change.done.then(() => 'confirmed', (/** @type {any} */ e) => `${e.name}: ${e.reason}: ${e.message}`);

test('a change is shown at once and kept until the stream shows its transaction to the last event', async (t) => {
  const { engine, live, answer } = await begin(t);
  const shown = /** @type {any[]} */ ([]);
  live.on('ahead', (open) => shown.push(open.map((c) => c.value)));
  const change = live.optimistic({ value: 'seven', send: () => answer.promise });
  assert.deepEqual(live.ahead.map((c) => c.value), ['seven']);
  answer.resolve(77);
  await settle();
  await engine.sale(2, { xid: '76', last: true });
  await engine.sale(3, { xid: '77' });
  assert.equal(change.state, 'sent');
  await engine.sale(4, { xid: '77', last: true });
  assert.equal(change.state, 'confirmed');
  assert.equal(change.event?.id, id(4));
  assert.equal(await reason(change), 'confirmed');
  assert.deepEqual(shown, [['seven'], []]);
});

test('the stream may be faster than the app', async (t) => {
  const { engine, live, answer } = await begin(t);
  const change = live.optimistic({ value: 1, send: () => answer.promise });
  await engine.sale(2, { xid: '77', last: true });
  assert.equal(change.state, 'sending');
  answer.resolve('77');
  assert.equal(await reason(change), 'confirmed');
});

test('a transaction whose last event a filter left out ends with the next thing that is heard', async (t) => {
  const { engine, live } = await begin(t);
  const one = live.optimistic({ value: 1, send: async () => 2 });
  const two = live.optimistic({ value: 1, send: async () => 3 });
  await settle();
  await engine.sale(2);
  assert.equal(one.state, 'sent');
  await engine.sale(3);
  assert.deepEqual([one.state, two.state], ['confirmed', 'sent']);
  await engine.frame('heartbeat', { cursor: id(4), stale: false }, id(4));
  assert.equal(two.state, 'confirmed');
});

test('where the app returns no xid, a predicate knows the change', async (t) => {
  const { engine, live, answer } = await begin(t);
  const change = live.optimistic({ value: 1, send: () => answer.promise, match: (e) => e.data.number === 'S-9' });
  answer.resolve();
  await settle();
  await engine.sale(2, { data: { number: 'S-8' }, last: true });
  assert.equal(change.state, 'sent');
  await engine.sale(3, { data: { number: 'S-9' }, last: true });
  assert.equal(await reason(change), 'confirmed');
  const nothing = live.optimistic({ value: 1, send: async () => {} });
  assert.match(await reason(nothing), /no xid, and there is no match/);
});

test('a refusal takes it back with the app\u2019s reason', async (t) => {
  const { live, answer } = await begin(t);
  const change = live.optimistic({ value: 1, send: () => answer.promise });
  answer.reject(new Error('Only 3 left.'));
  assert.equal(await reason(change), 'TakenBack: refused: Only 3 left.');
  assert.deepEqual([change.state, live.ahead], ['taken-back', []]);
});

test('what the stream does not show in five live seconds is taken back; time without a stream does not count', async (t) => {
  const { engine, live, pass } = await begin(t);
  const change = live.optimistic({ value: 1, send: async () => 9 });
  await settle();
  await pass(4_000);
  await engine.end();
  await pass(500);
  await pass(9_000);
  assert.equal(change.state, 'sent');
  await engine.welcome(id(1), true);
  await pass(300);
  assert.equal(live.state, 'live');
  await pass(4_900);
  assert.equal(change.state, 'sent');
  await pass(100);
  assert.match(await reason(change), /TakenBack: unseen/);
});

test('after a resync everything is read anew, and what the app took is in it', async (t) => {
  const { engine, live, answer } = await begin(t);
  const taken = live.optimistic({ value: 1, send: async () => 9 });
  const asked = live.optimistic({ value: 2, send: () => answer.promise });
  await settle();
  await engine.frame('resync', { data: { reason: 'gap', cursor: id(5) }, cursor: id(5) }, id(5));
  assert.deepEqual([taken.state, asked.state], ['confirmed', 'sending']);
});

test('closing takes back what nobody will see', async (t) => {
  const { live } = await begin(t);
  const change = live.optimistic({ value: 1, send: async () => 9 });
  await settle();
  live.close();
  assert.match(await reason(change), /TakenBack: closed/);
});
