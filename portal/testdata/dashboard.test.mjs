// The dashboard in a real browser against an engine, as one story. Whoever runs it holds the database and the engine: this
// script asks for what it wants with lines of JSON on stdout and waits for one line of JSON on stdin for each.
//
//   {"want":"sql","sql":"…"}   {"want":"restart"}   each answered {"ok":true} or {"ok":false,"error":"…"}
//   {"note":"…", …}            for the log; not answered
//   {"done":true}              and exit 0, or {"fail":"…"} and exit 1
//
// Environment: RXVIGIL_URL, TENANT (subdomain), SQL_LOW, SQL_RESTOCK, SQL_BURST (optional); PLAYWRIGHT (folder of playwright-core, default: as a
// module), CHROMIUM (default /usr/bin/chromium); SUBJECT (id or name of the medicine, when others may alert meanwhile), KIND
// (default low_stock), STEP_MS (default 15000), SHOTS (a folder for pictures). Without RXVIGIL_URL it does nothing.

import assert from 'node:assert/strict';

import { accessible, hangUp, launch, live, open, print, shot, STEP_MS, timeFrames, want } from './browser.mjs';

const { RXVIGIL_URL, TENANT = 'testpharmacy', SQL_LOW = '', SQL_RESTOCK = '', SUBJECT, KIND = 'low_stock' } = process.env;
const RESTART_MS = Math.max(60_000, STEP_MS);

/** A part that does not arrive is asked for again. @param {any} context */
async function mends(context) {
  const page = await context.newPage();
  let lost = 0;
  await page.route('**/assets/words.js', (/** @type {any} */ route) => (lost++ ? route.continue() : route.abort()));
  await open(page, `${RXVIGIL_URL}/?tenant=${encodeURIComponent(TENANT)}`);
  await live(page);
  assert.ok(lost > 1, 'the lost part was asked for again');
  print({ note: 'a page that lost a part mended itself' });
  await page.close();
}

/** The monitor of portal B: a bare EventSource, as that portal has it. @param {any} context */
async function monitor(context) {
  const page = await context.newPage();
  await open(page, `${RXVIGIL_URL}/client/rxvigil.js`);
  await page.evaluate((/** @type {string} */ url) => {
    const w = /** @type {any} */ (globalThis);
    w.heard = [];
    w.source = new EventSource(url);
    w.source.onmessage = (/** @type {MessageEvent} */ e) => w.heard.push({ id: e.lastEventId, ...JSON.parse(e.data) });
  }, `/api/tenant/${TENANT}/medicines/live-monitor`);
  const heard = async (/** @type {string} */ type, patience = STEP_MS) => {
    await page.waitForFunction((/** @type {string} */ t) => /** @type {any} */ (globalThis).heard.some((/** @type {any} */ m) => m.type === t), type, { timeout: patience, polling: 100 });
    return page.evaluate((/** @type {string} */ t) => /** @type {any} */ (globalThis).heard.filter((/** @type {any} */ m) => m.type === t), type);
  };
  return { heard, close: () => page.close(), all: () => page.evaluate(() => /** @type {any} */ (globalThis).heard) };
}

/** CONTRACTS 7. @param {Awaited<ReturnType<typeof monitor>>} portal @param {any} lowId */
async function checkMonitor(portal, lowId) {
  const keys = (/** @type {any} */ o, /** @type {string[]} */ names, /** @type {string} */ what) => {
    for (const n of names) assert.ok(o && n in o, `${what} lacks ${n}: ${JSON.stringify(o).slice(0, 300)}`);
  };
  const [hello] = await portal.heard('connection_established');
  keys(hello.data, ['connectionId', 'tenantId', 'message'], 'connection_established');
  const all = await portal.all();
  assert.equal(all[0].type, 'connection_established', 'the first message is the greeting');
  for (const m of all) {
    keys(m, ['type', 'data', 'timestamp', 'tenantId'], m.type);
    assert.ok(!Number.isNaN(Date.parse(m.timestamp)), `${m.type} has the timestamp ${m.timestamp}`);
  }
  const stock = (await portal.heard('stock_alert')).at(-1).data;
  keys(stock, ['count', 'medicines', 'message'], 'stock_alert');
  assert.equal(stock.count, stock.medicines.length);
  for (const m of stock.medicines) {
    keys(m, ['id', 'name', 'currentStock', 'minStockLevel', 'urgency'], 'a medicine of stock_alert');
    assert.equal(m.urgency, m.currentStock <= 0 ? 'critical' : 'warning');
  }
  const expiry = (await portal.heard('expiry_alert')).at(-1).data;
  keys(expiry, ['count', 'medicines', 'message'], 'expiry_alert');
  for (const m of expiry.medicines) {
    keys(m, ['id', 'name', 'expiryDate', 'daysUntilExpiry', 'urgency'], 'a medicine of expiry_alert');
    assert.equal(m.urgency, m.daysUntilExpiry <= 7 ? 'critical' : m.daysUntilExpiry <= 30 ? 'warning' : 'info');
  }
  const updates = await portal.heard('medicine_updated');
  const ours = updates.find((/** @type {any} */ m) => m.data.medicineId === lowId) ?? updates[0];
  keys(ours.data, ['medicineId', 'updatedFields', 'previousData', 'changedFields', 'message'], 'medicine_updated');
  assert.ok(ours.id, 'an event carries an id');
  assert.ok(Array.isArray(ours.data.changedFields) && ours.data.changedFields.length > 0, 'changedFields names something');
  const [beat] = await portal.heard('heartbeat', Math.max(STEP_MS, 13_000));
  keys(beat.data, ['timestamp', 'activeConnections', 'medicineCount'], 'heartbeat');
  print({ note: 'live-monitor has the shapes of CONTRACTS 7', messages: (await portal.all()).length });
}

/** Waits for an alert that was not there. @param {any} page @param {string[]} before @returns {Promise<string>} */
async function appears(page, before) {
  const found = await page.waitForFunction(
    (/** @type {any} */ { before, kind, subject }) => {
      const cards = /** @type {HTMLElement[]} */ ([...document.querySelectorAll('[data-testid=alert]')]);
      const card = cards.find((c) => !before.includes(c.dataset.alertId) && c.dataset.kind === kind && c.dataset.status === 'firing'
        && (!subject || c.dataset.subject === subject || c.querySelector('[data-testid=alert-name]')?.textContent === subject));
      return card?.dataset.alertId;
    },
    { before, kind: KIND, subject: SUBJECT },
    { timeout: STEP_MS },
  );
  return found.jsonValue();
}

/** @param {any} page @returns {Promise<string[]>} */
const ids = (page) => page.$$eval('[data-testid=alert]', (/** @type {HTMLElement[]} */ cards) => cards.map((c) => c.dataset.alertId ?? ''));

/** @param {any} context */
async function story(context) {
  const page = await context.newPage();
  /** @type {string[]} */ const complaints = [];
  page.on('pageerror', (/** @type {Error} */ e) => complaints.push(String(e.stack ?? e)));
  page.on('console', (/** @type {any} */ m) => /Content Security Policy|Refused to/.test(m.text()) && complaints.push(m.text()));
  await page.addInitScript(() => {
    const w = /** @type {any} */ (globalThis);
    w.links = [];
    w.seen = {}; // when each alert first stood on the page
    new MutationObserver((changes) => {
      for (const { addedNodes } of changes) for (const n of addedNodes) if (n instanceof HTMLElement && n.dataset.alertId) w.seen[n.dataset.alertId] ??= Date.now();
    }).observe(document, { childList: true, subtree: true });
    new MutationObserver(() => w.links.push(document.documentElement.dataset.link)).observe(document, { attributes: true, subtree: true, attributeFilter: ['data-link'] });
  });
  await open(page, `${RXVIGIL_URL}/?tenant=${encodeURIComponent(TENANT)}`);
  await live(page);
  await page.waitForFunction(() => document.querySelector('[data-testid=count-critical] strong')?.textContent !== '\u2013', null, { timeout: STEP_MS });
  assert.match(page.url(), /tenant=/);
  print({ note: 'live', alerts: (await ids(page)).length });
  await shot(page, '1-open');

  const portal = await monitor(context);
  await portal.heard('stock_alert');
  await page.bringToFront(); // a covered page gets no frames, and is not what a pharmacist looks at

  const before = await ids(page);
  const asked = Date.now();
  await Promise.all([want({ want: 'sql', sql: SQL_LOW }), appears(page, before).then(() => print({ note: 'alert on the page', ms: Date.now() - asked }))]);
  const id = await appears(page, before);
  const card = page.locator(`[data-testid=alert][data-alert-id="${id}"]`);
  assert.ok((await card.locator('[data-testid=alert-message]').textContent())?.trim(), 'the alert says a sentence');
  const subject = await card.getAttribute('data-subject');

  await card.locator('[data-testid=why-toggle]').click();
  const why = card.locator('[data-testid=why]');
  await why.locator('[data-testid=history] li').first().waitFor({ timeout: STEP_MS });
  assert.ok((await why.locator('[data-testid=why-inputs] dt').count()) >= 2, 'the why names its inputs');
  assert.match((await why.locator('[data-testid=why-threshold]').textContent()) ?? '', /\d.*, \S/, 'the why names the limit and its source');
  assert.match((await why.locator('[data-testid=why-lsn]').textContent()) ?? '', /^[0-9A-F]+\/[0-9A-F]+$/, 'the why names the commit');
  const committed = Date.parse((await why.locator('[data-testid=why-committed]').getAttribute('datetime')) ?? '');
  assert.ok(Math.abs(Date.now() - committed) < 10 * 60_000, `the commit was at ${new Date(committed).toISOString()}`);
  assert.match((await why.locator('[data-testid=history]').textContent()) ?? '', /Raised/);
  const seen = await page.evaluate((/** @type {string} */ a) => /** @type {any} */ (globalThis).seen[a], id);
  print({ note: 'why', commit_to_page_ms: seen ? seen - committed : null, text: (await why.innerText()).replace(/\s+/g, ' ').slice(0, 400) });
  await card.scrollIntoViewIfNeeded();
  await shot(page, '2-why');
  await accessible(page, 'an alert with its why');

  await card.locator('[data-testid=ack]').click();
  await card.locator('[data-testid=ack-note]').fill('Ordered from the wholesaler');
  await card.locator('[data-testid=ack-by]').fill('Hana');
  await card.locator('[data-testid=ack-confirm]').click();
  const acknowledged = page.locator(`[data-testid=alert][data-alert-id="${id}"][data-status=acknowledged]`);
  await acknowledged.waitFor({ timeout: STEP_MS });
  await page.waitForFunction((/** @type {string} */ a) => /Ordered from the wholesaler/.test(document.querySelector(`[data-alert-id="${a}"] [data-testid=alert-meta]`)?.textContent ?? ''), id, { timeout: STEP_MS });
  await page.locator('[data-testid=group-acknowledged]').waitFor({ timeout: STEP_MS });
  await page.waitForFunction((/** @type {string} */ a) => /Acknowledged by Hana/.test(document.querySelector(`[data-alert-id="${a}"] [data-testid=history]`)?.textContent ?? ''), id, { timeout: STEP_MS });
  print({ note: 'acknowledged' });
  await shot(page, '3-acknowledged');

  await checkMonitor(portal, subject);
  await portal.close();

  await Promise.all([
    want({ want: 'sql', sql: SQL_RESTOCK }),
    page.locator(`[data-testid=alert][data-alert-id="${id}"][data-status=resolved]`).waitFor({ timeout: STEP_MS }),
  ]);
  await shot(page, '4-resolved');
  await card.waitFor({ state: 'detached', timeout: STEP_MS });
  print({ note: 'resolved and gone' });

  await page.evaluate(() => { /** @type {any} */ (globalThis).links = []; });
  await want({ want: 'restart' });
  await page.waitForFunction(() => /** @type {any} */ (globalThis).links.some((/** @type {string} */ l) => l !== 'live'), null, { timeout: RESTART_MS });
  await live(page, RESTART_MS);
  print({ note: 'live again after the restart', states: await page.evaluate(() => /** @type {any} */ (globalThis).links) });
  assert.ok(!(await ids(page)).includes(id), 'what was resolved stays so');

  const after = await ids(page);
  await Promise.all([want({ want: 'sql', sql: SQL_LOW }), appears(page, after)]);
  const second = await appears(page, after);
  assert.notEqual(second, id, 'a new episode is a new alert');
  await Promise.all([want({ want: 'sql', sql: SQL_RESTOCK }), page.locator(`[data-alert-id="${second}"][data-status=resolved]`).waitFor({ timeout: STEP_MS })]);
  print({ note: 'the restarted engine is heard' });

  await setsALevel(page);
  await burst(page);

  await pictures(page);
  assert.deepEqual(complaints, [], 'the page had no errors');
}

/** A person's level counts at once, and is withdrawn again. @param {any} page */
async function setsALevel(page) {
  await page.fill('[data-testid=stock-search]', 'Metformin');
  await page.locator('[data-testid=stock-result], [data-testid=medicine]').first().waitFor({ timeout: STEP_MS });
  await page.press('[data-testid=stock-search]', 'Enter');
  const level = page.locator('[data-testid=level]').first();
  const says = async (/** @type {RegExp} */ words) => page.waitForFunction((/** @type {string} */ source) => new RegExp(source).test(document.querySelector('[data-testid=level] span')?.textContent ?? ''), words.source, { timeout: STEP_MS });
  await says(/from the app/);
  const alert = (/** @type {string} */ status) => page.locator(`[data-testid=alert][data-kind=low_stock][data-status=${status}]`, { hasText: 'Metformin' }).first().waitFor({ timeout: STEP_MS });
  await level.locator('[data-testid=level-edit]').click();
  await level.locator('[data-testid=level-value]').fill('100000');
  await level.locator('[data-testid=level-save]').click();
  await says(/Low at 100,000, set by hand/);
  await alert('firing');
  await shot(page, '4b-level');
  await level.locator('[data-testid=level-edit]').click();
  await level.locator('[data-testid=level-drop]').click();
  await says(/from the app/);
  await alert('resolved');
  await page.fill('[data-testid=stock-search]', '');
  print({ note: 'a level was set and withdrawn' });
}

/** Ten thousand changes at once, of medicines on the page: how long does a frame take? Measured, not judged. @param {any} page */
async function burst(page) {
  const { SQL_BURST: sql } = process.env;
  if (!sql) return;
  const timed = await timeFrames(page);
  const before = await ids(page);
  await want({ want: 'sql', sql });
  await Promise.all([want({ want: 'sql', sql: SQL_LOW }), appears(page, before)]); // the alert comes behind all of them
  const id = await appears(page, before);
  const frames = await timed();
  await Promise.all([want({ want: 'sql', sql: SQL_RESTOCK }), page.locator(`[data-alert-id="${id}"][data-status=resolved]`).waitFor({ timeout: STEP_MS })]);
  print({ note: 'a burst', ...frames });
}

/** No card is wider than the board, whatever the page was before; what is over moves away to the right. @param {any} page */
async function fits(page) {
  const wide = await page.$$eval('[data-testid=alert]:not([data-status=resolved])', (/** @type {HTMLElement[]} */ cards) => {
    const right = document.getElementById('alerts')?.getBoundingClientRect().right ?? 0;
    return cards.filter((c) => c.getBoundingClientRect().right > right).length;
  });
  assert.equal(wide, 0, 'cards that stand out of the board');
}

/** In the dark and on a phone, and nobody is shut out. @param {any} page */
async function pictures(page) {
  await page.setViewportSize({ width: 1600, height: 950 });
  await page.emulateMedia({ colorScheme: 'dark' });
  await fits(page);
  await shot(page, '5-dark');
  await accessible(page, 'in the dark');
  await page.setViewportSize({ width: 390, height: 844 });
  await page.emulateMedia({ colorScheme: 'light' });
  await fits(page);
  await shot(page, '6-phone');
  await accessible(page, 'on a phone');
}

async function main() {
  const chromium = await launch();
  try {
    const context = await chromium.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en-GB' });
    context.on('requestfailed', (/** @type {any} */ r) => print({ note: `${r.url()} failed: ${r.failure()?.errorText}` }));
    context.on('weberror', (/** @type {any} */ e) => print({ note: `the page: ${e.error()}` }));
    await mends(context);
    await story(context);
    print({ done: true });
  } catch (error) {
    process.exitCode = 1;
    print({ fail: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) });
  } finally {
    await chromium.close();
    hangUp();
  }
}

if (RXVIGIL_URL) await main();
