// Three tabs of one browser against a real engine, as one story: one stream on the wire, and each tab tells each event once,
// whatever happens to the tab that holds the stream, to the engine, to the network and to the token.
// Who runs it holds the database and the engine; see dashboard.test.mjs for how they talk. Environment: RXVIGIL_URL, TENANT,
// SQL_LOW, SQL_RESTOCK, PLAYWRIGHT, CHROMIUM.

import assert from 'node:assert/strict';

import { hangUp, launch, print, want } from './browser.mjs';

const { RXVIGIL_URL, TENANT = '', SQL_LOW = '', SQL_RESTOCK = '' } = process.env;
const STEP_MS = 60_000;

/** Waits until a question is answered with yes. @param {string} what @param {() => Promise<any>} ask */
async function until(what, ask) {
  const end = Date.now() + STEP_MS;
  let last;
  for (;;) {
    try {
      last = await ask();
      if (last === true) return;
    } catch (error) {
      last = String(error);
    }
    if (Date.now() > end) throw new Error(`${what}: ${JSON.stringify(last)}`);
    await new Promise((r) => setTimeout(r, 100));
  }
}

/** @param {any} context */
async function tab(context, share = 'ann') {
  const page = await context.newPage();
  await page.goto(`${RXVIGIL_URL}/login`);
  await page.evaluate(async (/** @type {[string, string]} */ [tenant, share]) => {
    const client = '/client/rxvigil.js';
    const { connect } = await import(client);
    const live = connect({ tenant, share, topics: ['inventory', 'notifications'] });
    const told = /** @type {string[]} */ ([]);
    const resyncs = /** @type {any[]} */ ([]);
    live.on('event', (/** @type {any} */ e) => told.push(e.id));
    live.on('resync', (/** @type {any} */ r) => resyncs.push(r.reason));
    live.alerts.watch(() => {});
    Object.assign(window, { rx: { live, told, resyncs } });
  }, [TENANT, share]);
  return page;
}

/** @param {any} page @returns {Promise<{state: string, leads: boolean, told: string[], resyncs: string[], recent: string[], alerts: string[], cursor: string}>} */
const look = (page) => page.evaluate(() => {
  const { live, told, resyncs } = /** @type {any} */ (window).rx;
  return {
    state: live.state, leads: live.leads, told, resyncs, cursor: live.cursor,
    recent: live.recent.map((/** @type {any} */ e) => e.id), alerts: live.alerts.list.map((/** @type {any} */ a) => `${a.id} ${a.version}`),
  };
});

const looks = (/** @type {any[]} */ pages) => Promise.all(pages.map(look));
const distinct = (/** @type {string[]} */ all) => new Set(all).size === all.length;

/** What the engine itself has: its open streams, its open alerts. */
async function engine() {
  const get = async (/** @type {string} */ path) => (await fetch(`${RXVIGIL_URL}/api/tenant/${TENANT}${path}`)).json();
  const [stats, alerts] = await Promise.all([get('/stats'), get('/alerts')]);
  const streams = Object.values(stats.connections).reduce((/** @type {number} */ a, /** @type {any} */ b) => a + b, 0);
  return { streams, alerts: alerts.items.filter((/** @type {any} */ a) => a.status !== 'resolved').map((/** @type {any} */ a) => `${a.id} ${a.version}`) };
}

/** Each tab has told what the others have since all were open, once, and shows the alerts the engine has. */
async function agree(/** @type {any[]} */ pages, /** @type {string} */ when) {
  await until(`${when}: the tabs agree`, async () => {
    const [is, ...all] = [await engine(), ...(await looks(pages))];
    const alerts = [...is.alerts].sort();
    const bad = all.filter((t) => t.state !== 'live' || !distinct(t.told) || t.told.length === 0 || t.told.at(-1) !== all[0]?.told.at(-1) || JSON.stringify([...t.alerts].sort()) !== JSON.stringify(alerts));
    return bad.length === 0 && is.streams === 1 && all.filter((t) => t.leads).length === 1 ? true : { is, bad };
  });
  const told = (await looks(pages)).map((t) => t.told);
  const shortest = Math.min(...told.map((t) => t.length));
  for (const t of told) assert.deepEqual(t.slice(-shortest), told[0]?.slice(-shortest), when);
  print({ note: `${when}: ${told.map((t) => t.length).join(', ')} events told, one stream` });
}

/** Stock falls and rises again, which raises and resolves an alert; waits until the tabs have told of it. @param {any[]} pages */
async function happen(pages) {
  const before = (await looks(pages)).map((t) => t.told.length);
  await want({ want: 'sql', sql: SQL_LOW });
  await want({ want: 'sql', sql: SQL_RESTOCK });
  return () => until('every tab tells of it', async () => (await looks(pages)).every((t, i) => t.told.length >= (before[i] ?? 0) + 4));
}

async function story(/** @type {any} */ context) {
  let pages = [await tab(context)];
  await until('the first is live', async () => (await look(pages[0])).state === 'live');
  await (await happen(pages))();
  pages.push(await tab(context), await tab(context));
  await until('all are live', async () => (await looks(pages)).every((t) => t.state === 'live'));
  const late = await look(pages[2]);
  assert.ok(late.recent.length >= 4 && late.told.length === 0, `a tab that comes later is shown what was, and not told it: ${JSON.stringify(late)}`);
  await (await happen(pages))();
  await agree(pages, 'three tabs');

  const leads = (await looks(pages)).findIndex((t) => t.leads);
  const [leader] = pages.splice(leads, 1);
  await leader.close({ runBeforeUnload: false });
  await (await happen(pages))();
  await agree(pages, 'after the death of the leader');

  pages.push(await tab(context));
  const waits = await happen(pages.slice(0, 2));
  await want({ want: 'restart' });
  await waits();
  await agree(pages, 'after a restart of the engine');

  // The line goes dead without a word, as behind a router that lost its state: only silence tells.
  await want({ want: 'cut' });
  await want({ want: 'sql', sql: SQL_LOW });
  await until('no tab says that it is live', async () => (await looks(pages)).every((t) => t.state === 'offline' || t.state === 'connecting'));
  await want({ want: 'sql', sql: SQL_RESTOCK });
  await want({ want: 'mend' });
  await (await happen(pages))();
  await agree(pages, 'after the network was cut');

  // The token ends: the engine lets nobody in for a while.
  let refused = 0;
  await context.route('**/stream*', (/** @type {any} */ route) => (refused++ < 2 ? route.fulfill({ status: 401, body: '{}' }) : route.continue()));
  const holds = (await looks(pages)).findIndex((t) => t.leads);
  await pages.splice(holds, 1)[0].close({ runBeforeUnload: false });
  await until('the tabs say that they are not let in', async () => (await looks(pages)).every((t) => t.state === 'unauthorized'));
  await (await happen(pages))();
  await agree(pages, 'after the token ended');

  // Behind a proxy that holds the stream back, whole: answers and all.
  await context.unroute('**/stream*');
  await context.route('**/stream*', () => {});
  const behind = await tab(context, 'ben');
  await until('a WebSocket takes its place', async () => (await look(behind)).state === 'live');
  await (await happen([...pages, behind]))();
  const [here, there] = await looks([behind, pages[0]]);
  assert.deepEqual(here?.told, there?.told.slice(-(here?.told.length ?? 0)), 'both ways tell the same');
  for (const t of await looks(pages)) assert.deepEqual(t.resyncs, [], 'nothing was missed at any time');
}

const browser = await launch();
try {
  await story(await browser.newContext());
  print({ done: true });
} catch (error) {
  print({ fail: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) });
  process.exitCode = 1;
} finally {
  await browser.close();
  hangUp();
}
