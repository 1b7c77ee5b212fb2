// The page that shows what travels, against a real engine: each way brings its first frame and an event sent from the page.
// Environment: RXVIGIL_URL, PLAYWRIGHT, CHROMIUM, SHOT (optional). Prints one line of JSON.

import { launch } from './browser.mjs';

const { RXVIGIL_URL: url, SHOT } = process.env;

const browser = await launch();
try {
  const page = await browser.newPage({ viewport: { width: 1100, height: 760 } });
  page.setDefaultTimeout(30_000);
  /** @type {string[]} */ const errors = [];
  page.on('pageerror', (/** @type {Error} */ e) => errors.push(e.message));
  page.on('console', (/** @type {any} */ m) => m.type() === 'error' && errors.push(m.text()));
  await page.goto(`${url}/try`);
  await page.waitForSelector('#tenant option', { state: 'attached' });
  /** @type {Record<string, any>} */ const ways = {};
  let n = 0;
  for (const [way, first, event, hub] of [['stream', 'connection_established', 'fridge_warm'], ['ws', 'connection_established', 'fridge_warm'], ['hub', 'ConnectionEstablished', 'ReceiveNotification', 'notifications'], ['live-monitor', 'message', '']]) {
    await page.selectOption('#way', way);
    if (hub) await page.selectOption('#hub', hub);
    await page.click('#connect');
    await page.waitForSelector(`[data-frame="${first}"]`);
    if (event) {
      if (way === 'ws') await page.waitForSelector('[data-frame="ok"]');
      await page.fill('#data', JSON.stringify({ message: `number ${++n}` }));
      await page.click('#sample button');
      await page.waitForSelector(`[data-frame="${event}"]:has-text("number ${n}")`);
    }
    const connected = await page.textContent('#state');
    if (SHOT && way === 'hub') await page.screenshot({ path: SHOT });
    await page.click('#end');
    await page.waitForFunction(() => document.querySelector('#state')?.textContent === 'Disconnected');
    ways[way ?? ''] = { connected, frames: await page.$$eval('#frames li', (/** @type {any[]} */ all) => all.map((e) => e.dataset.frame)) };
  }
  await page.fill('#data', '{');
  await page.click('#sample button');
  const refused = await page.textContent('#sent');
  console.log(JSON.stringify({ ways, refused, errors }));
} catch (error) {
  console.log(JSON.stringify({ fail: String(error) }));
  process.exitCode = 1;
} finally {
  await browser.close();
}
