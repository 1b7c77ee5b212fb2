// Opens the report of a real engine and says what it shows: one JSON line.

import { launch } from './browser.mjs';

const { RXVIGIL_URL: url, SHOT } = process.env;

const browser = await launch();
try {
  const page = await browser.newPage({ viewport: { width: 1100, height: 1000 } });
  /** @type {string[]} */
  const errors = [];
  page.on('pageerror', (/** @type {Error} */ e) => errors.push(e.message));
  page.on('console', (/** @type {any} */ m) => m.type() === 'error' && errors.push(m.text()));
  await page.goto(`${url}/`);
  await page.click('a[href="/report"]');
  await page.waitForSelector('#rules tr');
  await page.selectOption('#days', '7');
  await page.waitForFunction(() => document.querySelectorAll('#bars rect').length > 0);
  await page.waitForFunction(() => Number(document.querySelector('#health svg')?.getAttribute('data-points')) >= 2);
  const shown = await page.evaluate(() => ({
    health: { status: document.querySelector('#health p')?.getAttribute('data-status'), numbers: [...document.querySelectorAll('#health dd')].map((e) => e.textContent), drawn: document.querySelectorAll('#health svg path').length },
    rules: Object.fromEntries([...document.querySelectorAll('#rules tr')].map((tr) => [tr.getAttribute('data-rule'), [...tr.querySelectorAll('td')].map((td) => td.textContent)])),
    bars: document.querySelectorAll('#bars rect').length,
    noisiest: [...document.querySelectorAll('#noisiest li')].map((li) => li.textContent),
    problem: document.querySelector('#problem')?.textContent,
  }));
  if (SHOT) await page.screenshot({ path: SHOT, fullPage: true });
  console.log(JSON.stringify({ ...shown, errors }));
} finally {
  await browser.close();
}
