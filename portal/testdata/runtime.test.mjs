// The client in whatever runs this file, Node or Deno, against a real engine. Asks for what it wants as dashboard.test.mjs does.

import assert from 'node:assert/strict';
import process from 'node:process';

import { replay } from '../client/replay.js';
import { connect, rest } from '../client/rxvigil.js';
import { hangUp, print, want } from './browser.mjs';

const { RXVIGIL_URL: url, TENANT: tenant = 'testpharmacy', SUBJECT, SQL_LOW, SQL_RESTOCK } = process.env;
const runtime = 'Deno' in globalThis ? 'Deno' : 'Node';
const PATIENCE_MS = 20_000;

/** @template T @param {string} what @param {(resolve: (value: T) => void) => void} start @returns {Promise<T>} */
const within = (what, start) => new Promise((resolve, reject) => {
  const late = setTimeout(() => reject(new Error(`${what}: not within ${PATIENCE_MS} ms`)), PATIENCE_MS);
  start((value) => {
    clearTimeout(late);
    resolve(value);
  });
});

/** @param {'sse' | 'websocket'} transport */
async function story(transport) {
  const live = connect({ url, tenant, transport });
  await within('live', (resolve) => live.on('state', ({ state }) => state === 'live' && resolve(state)));
  await within('alerts', (resolve) => live.alerts.watch(() => live.alerts.loaded && resolve(true)));
  const low = within('an alert', (/** @type {(e: any) => void} */ resolve) => live.on('alert_raised', (e) => e.data.kind === 'low_stock' && e.data.subject.id === SUBJECT && resolve(e)));
  await want({ want: 'sql', sql: SQL_LOW });
  const raised = await low;
  assert.ok(live.alerts.list.some((a) => a.id === raised.data.id), 'it is among the open ones');
  const over = within('its end', (/** @type {(e: any) => void} */ resolve) => live.on('alert_resolved', (e) => e.data.id === raised.data.id && resolve(e)));
  await want({ want: 'sql', sql: SQL_RESTOCK });
  await over;
  live.close();
  /** @type {string[]} */
  const past = [];
  for await (const event of replay({ url: String(url), tenant }, { types: ['alert_raised', 'alert_resolved'] })) if (event.data.id === raised.data.id) past.push(event.type);
  assert.deepEqual(past, ['alert_raised', 'alert_resolved']);
  const { items } = await rest({ url, tenant }).stock({ medicine: SUBJECT });
  assert.ok(items.length > 0);
  print({ note: `${runtime} over ${transport}` });
}

try {
  await story('sse');
  if (typeof globalThis.WebSocket === 'function') await story('websocket'); // Node has one from 22 on
  print({ done: true });
} catch (error) {
  process.exitCode = 1;
  print({ fail: error instanceof Error ? `${runtime}: ${error.message}\n${error.stack}` : String(error) });
} finally {
  hangUp();
  setTimeout(() => process.exit(), 500).unref?.(); // Deno would wait for its standard input
}
