// What the log still has, read once.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { replay } from '../client/replay.js';
import { Engine, id, settle } from './engine.mjs';

/** @param {import('node:test').TestContext} t @param {object} [wanted] */
function reading(t, wanted) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const engine = new Engine();
  /** @type {string[]} */
  const got = [];
  const ended = (async () => {
    for await (const event of replay({ tenant: 't', fetch: /** @type {any} */ (engine.fetch) }, wanted)) got.push(event.id);
  })();
  return { engine, got, ended };
}

test('a replay begins with the oldest, gives each event in order and ends when nothing more comes', async (t) => {
  const { engine, got, ended } = reading(t, { types: ['sale_completed'] });
  await settle();
  assert.equal(engine.requests[0]?.searchParams.get('after'), 'earliest');
  assert.equal(engine.requests[0]?.searchParams.get('types'), 'sale_completed');
  await engine.welcome(null, true);
  await engine.sale(1);
  await engine.sale(2);
  await settle();
  t.mock.timers.tick(1_001);
  await ended;
  assert.deepEqual(got, [id(1), id(2)]);
});

test('a replay ends at the cursor it was given, with the first heartbeat, and with the stream', async (t) => {
  const { engine, got, ended } = reading(t, { until: id(2) });
  await settle();
  await engine.welcome(null, true);
  for (const n of [1, 2, 3]) await engine.sale(n);
  await ended;
  assert.deepEqual(got, [id(1), id(2)]);
  t.mock.timers.reset();
  for (const end of [(/** @type {Engine} */ e) => e.frame('heartbeat', { cursor: id(9) }), (/** @type {Engine} */ e) => e.end()]) {
    const other = reading(t);
    await settle();
    await other.engine.sale(7);
    await end(other.engine);
    await other.ended;
    assert.deepEqual(other.got, [id(7)]);
    t.mock.timers.reset();
  }
});

test('a replay that is refused says so', async () => {
  const engine = new Engine();
  engine.status = 403;
  await assert.rejects(async () => {
    for await (const event of replay({ tenant: 't', fetch: /** @type {any} */ (engine.fetch) })) assert.fail(`${event.id} came`);
  }, { status: 403 });
});
