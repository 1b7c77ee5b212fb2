// The dashboard's other views against a real engine, in three languages. Asks for what it wants as dashboard.test.mjs does.

import assert from 'node:assert/strict';

import { accessible, hangUp, launch, live, open, print, shot, STEP_MS, want } from './browser.mjs';

const { RXVIGIL_URL: url, TENANT = 'testpharmacy', SUBJECT, SQL_LOW, SQL_RESTOCK } = process.env;
const NEW = '00000000-0000-4000-8000-000000000900';
const at = (/** @type {string} */ path, more = '') => `${url}${path}?tenant=${TENANT}${more}`;

/** @param {any} page @param {(...args: any[]) => unknown} told @param {any} [given] */
const until = (page, told, given = null) => page.waitForFunction(told, given, { timeout: STEP_MS });

/** A page in a language, which complains of nothing. @param {any} browser @param {string} locale @param {(page: any) => Promise<void>} story */
async function reader(browser, locale, story) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale });
  const page = await context.newPage();
  /** @type {string[]} */
  const complaints = [];
  page.on('pageerror', (/** @type {Error} */ e) => complaints.push(String(e.stack ?? e)));
  page.on('console', (/** @type {any} */ m) => m.type() === 'error' && !/net::ERR_|status of 403/.test(m.text()) && complaints.push(m.text()));
  await story(page);
  assert.deepEqual(complaints, [], locale);
  await context.close();
}

/** A year of expiry dates by month; a month's lots behind it. @param {any} page */
async function calendar(page) {
  await page.click('[data-testid=calendar]');
  await until(page, () => document.querySelectorAll('[data-testid=month]').length === 13);
  const full = page.locator('[data-testid=month]:not([data-lots="0"]):not([data-month=past])').first();
  const lots = Number(await full.getAttribute('data-lots'));
  const month = await full.getAttribute('data-month');
  await full.click();
  await until(page, (/** @type {number} */ n) => document.querySelectorAll('[data-testid=expiring-lot]').length === Math.min(n, 12), lots);
  assert.equal(await page.locator('[data-testid=expiring-count]').textContent(), lots === 1 ? '1 lot' : `${lots} lots`);
  print({ note: 'calendar', month, lots });
  await shot(page, 'calendar');
  await accessible(page, 'the calendar');
  await page.click('[data-testid=calendar]');
}

/** What wants ordering stands in the order of need, with how long it lasts, and follows the stock. @param {any} page */
async function urgency(page) {
  const rows = () => page.$$eval('[data-testid=urgent-stock]', (/** @type {HTMLElement[]} */ all) => all.map((e) => ({ status: e.querySelector('button')?.dataset.status, says: e.innerText.replace(/\s+/g, ' ') })));
  await until(page, () => document.querySelectorAll('[data-testid=urgent-stock]').length >= 3);
  const before = await rows();
  const ranks = before.map((/** @type {any} */ r) => ['out', 'low', 'ok'].indexOf(r.status));
  assert.deepEqual(ranks, [...ranks].sort(), 'out, low, then the rest');
  assert.ok(before.some((/** @type {any} */ r) => /enough for \d+ days/.test(r.says)), `the days of cover: ${before.map((/** @type {any} */ r) => r.says)}`);
  await want({ want: 'sql', sql: 'UPDATE inventory SET quantity_on_hand = 0 WHERE product_id = 1004 AND branch_id = 12' });
  await until(page, (/** @type {number} */ n) => document.querySelectorAll('[data-testid=urgent-stock] [data-status=out]').length > n, before.filter((/** @type {any} */ r) => r.status === 'out').length);
  print({ note: 'urgency', says: (await rows()).map((/** @type {any} */ r) => r.says) });
}

/** Who waits is told when it comes, and gone when it is dispensed. @param {any} page */
async function waiting(page) {
  const numbers = () => page.$$eval('[data-testid=waiting-prescription]', (/** @type {HTMLElement[]} */ all) => all.map((e) => e.dataset.prescription));
  await until(page, () => document.querySelectorAll('[data-testid=waiting-prescription]').length > 0);
  const before = await numbers();
  await want({ want: 'sql', sql: `INSERT INTO prescriptions (id, tenant_id, branch_id, prescription_number, patient_id, status, valid_until)
    SELECT '${NEW}', tenant_id, branch_id, 900, patient_id, 'pending', valid_until FROM prescriptions WHERE branch_id = 11 LIMIT 1` });
  await until(page, (/** @type {string} */ id) => document.querySelector(`[data-prescription="${id}"] b`)?.textContent === 'Prescription 900', NEW);
  await want({ want: 'sql', sql: `UPDATE prescriptions SET status = 'dispensed' WHERE id = '${NEW}'` });
  await until(page, (/** @type {string} */ id) => !document.querySelector(`[data-prescription="${id}"]`), NEW);
  assert.deepEqual(await numbers(), before);
  print({ note: 'a prescription waited and was dispensed', others: before.length });
}

/** One medicine: what moved before the page was opened is drawn, and what moves now. @param {any} page */
async function medicine(page) {
  await want({ want: 'sql', sql: SQL_RESTOCK });
  await want({ want: 'sql', sql: SQL_LOW });
  await page.fill('[data-testid=stock-search]', String(SUBJECT));
  await open(page, at('/medicine', `&medicine=${SUBJECT}`));
  await live(page);
  const points = () => page.locator('[data-branch="11"] [data-testid=chart]').getAttribute('data-points');
  await until(page, () => Number(document.querySelector('[data-branch="11"] [data-testid=chart]')?.getAttribute('data-points')) >= 2);
  await page.locator('[data-testid=alert][data-kind=low_stock]').waitFor({ timeout: STEP_MS });
  const name = (await page.locator('[data-testid=medicine-name]').textContent())?.trim();
  const about = await page.$$eval('[data-testid=alert-name]', (/** @type {HTMLElement[]} */ all) => all.map((e) => e.textContent));
  assert.ok(name && about.length > 0 && about.every((/** @type {string} */ n) => n === name), `alerts of other medicines are not here: ${about}`);
  const before = Number(await points());
  await until(page, () => document.querySelectorAll('[data-testid=event]').length >= 3);
  await Promise.all([want({ want: 'sql', sql: SQL_RESTOCK }), until(page, (/** @type {number} */ n) => Number(document.querySelector('[data-branch="11"] [data-testid=chart]')?.getAttribute('data-points')) > n, before)]);
  print({ note: 'medicine', points: [before, Number(await points())], says: await page.locator('[data-branch="11"] [data-testid=chart]').getAttribute('aria-label') });
  await shot(page, 'medicine');
  await accessible(page, 'a medicine');
  await page.emulateMedia({ media: 'print' });
  assert.equal(await page.locator('[data-testid=feed]').isVisible(), false, 'paper has no live feed');
  assert.equal(await page.locator('[data-testid=chart]').first().isVisible(), true, 'paper has the chart');
  await page.emulateMedia({ media: 'screen' });
}

/** The rules, and what they would have told. @param {any} page */
async function rules(page) {
  await open(page, at('/rules'));
  await until(page, () => document.querySelectorAll('#rules tr').length > 10);
  await page.selectOption('#days', '30');
  await page.click('#run');
  const told = page.locator('[data-testid=told]');
  await told.waitFor({ timeout: STEP_MS });
  assert.ok(Number(await told.getAttribute('data-told')) > 0, 'the past told something');
  assert.ok((await page.locator('#result rect').count()) >= 30, 'a bar a day');
  print({ note: 'backtest', says: await told.textContent() });
  await page.reload(); // the result is the engine's: whoever looks later sees it too
  await told.waitFor({ timeout: STEP_MS });
  await shot(page, 'rules');
  await accessible(page, 'the rules');
}

/** What is not granted to a reader is not there, rather than an error. @param {any} page */
async function barred(page) {
  for (const path of ['prescriptions', 'expiring', 'stock']) {
    await page.route(`**/api/tenant/*/${path}*`, (/** @type {any} */ route) => route.fulfill({ status: 403, contentType: 'application/problem+json', body: '{"title":"This is not granted"}' }));
  }
  await open(page, at('/'));
  await live(page);
  await until(page, () => ['stock', 'expiring', 'waiting'].every((id) => document.getElementById(id)?.hidden));
  assert.equal(await page.locator('[data-testid=feed]').isVisible(), true);
  await page.unroute('**/api/tenant/*/stock*');
  await page.reload();
  await until(page, () => document.getElementById('stock')?.hidden === false && document.querySelectorAll('[data-testid=urgent-stock]').length > 0);
}

/** In Amharic, with an English engine: the page and what alerts say. @param {any} page */
async function amharic(page) {
  await open(page, at('/'));
  await live(page);
  assert.equal(await page.getAttribute('html', 'lang'), 'am');
  assert.equal(await page.locator('[data-testid=count-critical] span').textContent(), 'አስቸኳይ');
  await until(page, () => [...document.querySelectorAll('[data-testid=alert-message]')].length > 3 && [...document.querySelectorAll('[data-testid=alert-message]')].every((e) => /[ሀ-፿]/.test(e.textContent ?? '')));
  await Promise.all([want({ want: 'sql', sql: SQL_LOW }), // what the stream tells in English is soon said in Amharic too
    until(page, (/** @type {string} */ subject) => /እያለቀ/.test(document.querySelector(`[data-testid=alert][data-kind=low_stock][data-subject="${subject}"] [data-testid=alert-message]`)?.textContent ?? ''), SUBJECT)]);
  await shot(page, 'amharic');
  await accessible(page, 'in Amharic');
  await page.setViewportSize({ width: 390, height: 844 });
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'a phone shows it whole');
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.selectOption('[data-testid=language]', 'fr'); // a choice goes before the browser's language, and stays
  await until(page, () => document.documentElement.lang === 'fr');
  await live(page);
  assert.equal(await page.locator('[data-testid=count-critical] span').textContent(), 'Critique');
  await open(page, at('/report'));
  await until(page, () => document.querySelector('h1')?.textContent?.includes('Bilan des alertes'));
  print({ note: 'three languages' });
}

const browser = await launch();
try {
  await reader(browser, 'en-GB', async (page) => {
    await open(page, at('/'));
    await live(page);
    print({ note: 'first paint', ms: Math.round(await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1)) });
    await urgency(page);
    await calendar(page);
    await waiting(page);
    await medicine(page);
    await rules(page);
  });
  await reader(browser, 'en-GB', barred);
  await reader(browser, 'am-ET', amharic);
  print({ done: true });
} catch (error) {
  process.exitCode = 1;
  print({ fail: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) });
} finally {
  await browser.close();
  hangUp();
}
