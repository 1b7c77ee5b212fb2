// The React hooks in a small Vite app against a real engine: a change shown ahead of the database, confirmed, and taken back when
// the app refuses it; the hook of portal B; a burst. Prints one line of JSON.
// Environment: APP_URL (with the app's query), PLAYWRIGHT, CHROMIUM, SHOT (optional).

import assert from 'node:assert/strict';

import { launch, timeFrames } from './browser.mjs';

const { APP_URL = '', SHOT } = process.env;
const browser = await launch();
const context = await browser.newContext();
context.setDefaultTimeout(60_000);
const page = await context.newPage();
/** @type {string[]} */ const errors = [];
page.on('pageerror', (/** @type {any} */ e) => errors.push(String(e)));
page.on('console', (/** @type {any} */ m) => m.type() === 'error' && !/409/.test(m.text()) && errors.push(m.text()));

/** The app answers when the test lets it. @type {((value?: any) => void)[]} */
const held = [];
await page.route('**/app/count', async (/** @type {any} */ route) => {
  await new Promise((resolve) => held.push(resolve));
  await route.continue();
});
const shelf = () => page.$eval('#on-hand', (/** @type {any} */ e) => `${e.textContent} ${e.dataset.pending}`);
const until = (/** @type {string} */ what) => page.waitForFunction((/** @type {string} */ w) => {
  const e = /** @type {any} */ (document.querySelector('#on-hand'));
  return `${e?.textContent} ${e?.dataset.pending}` === w;
}, what);
const release = async () => {
  while (held.length === 0) await new Promise((r) => setTimeout(r, 10));
  held.shift()?.();
};
const monitor = () => page.evaluate(() => {
  const m = /** @type {any} */ (window).monitor;
  return { keys: Object.keys(m).sort(), isConnected: m.isConnected, events: m.events.length, updated: m.getEventsByType('stock_level_changed').length, recent: m.getRecentEvents(1).length, stock: m.stockAlerts, total: m.totalAlerts, medicines: m.medicineCount, connections: m.activeConnections, id: m.connectionId, beat: m.lastHeartbeat instanceof Date };
});

try {
  await page.goto(APP_URL);
  await page.waitForSelector('text=Connected, ');
  await page.waitForSelector('#on-hand');
  const first = await shelf();
  await page.click('#seven');
  await until('7 true');
  await release();
  await until('7 false');
  await page.waitForFunction(() => /** @type {any} */ (window).monitor.getEventsByType('stock_level_changed').length === 1);

  await page.click('#less');
  await until('-1 true');
  await release();
  await until('7 false');
  const refusal = await page.textContent('#refusal');

  await page.waitForFunction(() => [...document.querySelectorAll('#heard li')].some((e) => e.textContent?.startsWith('stock alert')));
  await page.waitForFunction(() => { const m = /** @type {any} */ (window).monitor; return m.medicineCount > 0 && m.lastHeartbeat && m.stockAlerts.length > 0; });
  const seen = await monitor();
  const heard = await page.$$eval('#heard li', (/** @type {any[]} */ all) => all.map((e) => e.textContent));
  await page.click('#acknowledge');
  await page.waitForSelector('#low:has-text("acknowledged Hana")');
  const hooks = await page.evaluate(() => {
    const w = /** @type {any} */ (window);
    return { marked: w.marked, changes: w.changes.map((/** @type {any} */ e) => e.data.on_hand), state: w.state };
  });
  if (SHOT) await page.screenshot({ path: SHOT, fullPage: true });
  await page.click('#clear');
  await page.waitForFunction(() => !(/** @type {any} */ (window).monitor.hasStockAlerts));

  await page.evaluate(() => /** @type {any} */ (window).monitor.disconnect());
  await page.waitForSelector('text=Not connected');
  await page.evaluate(() => /** @type {any} */ (window).monitor.connect());
  await page.waitForSelector('text=Connected, ');

  // Ten thousand changes: how long does a frame take?
  const timed = await timeFrames(page);
  const burst = await (await fetch(new URL('/app/burst', APP_URL), { method: 'POST' })).json();
  await page.waitForFunction((/** @type {number} */ last) => document.querySelector('#on-hand')?.textContent === String(last), burst.last);
  const frames = await timed();
  assert.deepEqual(errors, []);
  console.log(JSON.stringify({ first, refusal, heard, seen, hooks, changes: burst.changes, frames }));
} catch (error) {
  console.log(JSON.stringify({ fail: String(error), errors, page: await page.textContent('body').catch(() => '') }));
  process.exitCode = 1;
} finally {
  await browser.close();
}
