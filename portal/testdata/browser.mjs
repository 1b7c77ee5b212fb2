// What the browser's stories share: the browser of the machine, the talk with whoever holds database and engine, the time a frame takes.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

/** How long a step of a story may take. */
export const STEP_MS = Number(process.env.STEP_MS ?? 15_000);

/** Starts Chromium. Environment: PLAYWRIGHT (folder of playwright-core, default: as a module), CHROMIUM (default /usr/bin/chromium). */
export function launch() {
  const path = process.env.PLAYWRIGHT;
  const from = createRequire(path ? pathToFileURL(join(path, 'x.js')) : import.meta.url);
  return from(path ?? 'playwright-core').chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--headless', '--disable-gpu', '--disable-background-networking'],
  });
}

export const print = (/** @type {object} */ line) => process.stdout.write(`${JSON.stringify(line)}\n`);

/** @type {AsyncIterator<string> | undefined} */
let lines;

/** Asks the harness for something and waits until it is done. @param {object} what */
export async function want(what) {
  lines ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  print(what);
  const line = await lines.next();
  if (line.done) throw new Error('the harness went away');
  const answer = JSON.parse(line.value);
  if (!answer.ok) throw new Error(`the harness could not: ${answer.error ?? line.value}`);
}

/** Lets the process end. */
export function hangUp() {
  void lines?.return?.();
  process.stdin.destroy();
}

/**
 * Times frames from now on, and traces what the page's main thread does. Returns what gives, in ms: the longest frame; the longest task
 * (script, style, layout and paint are tasks) by the clock and, as other processes take the processors away meanwhile, by the thread's own
 * processor time; and how many tasks took over 50 ms of each.
 * @param {any} page
 */
export async function timeFrames(page) {
  const browser = page.context().browser();
  await browser.startTracing(page, { categories: ['toplevel', '__metadata'] });
  await page.evaluate(() => {
    const w = /** @type {any} */ (globalThis);
    w.longest = 0;
    let last = performance.now();
    const frame = (/** @type {number} */ now) => {
      w.longest = Math.max(w.longest, Math.round(now - last));
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  return async () => {
    const longest = await page.evaluate(() => /** @type {any} */ (globalThis).longest);
    /** @type {{name: string, cat: string, pid: number, tid: number, dur?: number, tdur?: number, args: any}[]} */
    const events = JSON.parse(String(await browser.stopTracing())).traceEvents;
    const mains = new Set(events.filter((e) => e.name === 'thread_name' && e.args.name === 'CrRendererMain').map((e) => `${e.pid} ${e.tid}`));
    const tasks = events.filter((e) => e.name === 'ThreadControllerImpl::RunTask' && e.tdur !== undefined && mains.has(`${e.pid} ${e.tid}`));
    if (tasks.length < 100) throw new Error(`the trace has ${tasks.length} tasks`);
    const inMs = (/** @type {'dur' | 'tdur'} */ by) => tasks.map((e) => (e[by] ?? 0) / 1000);
    const figures = (/** @type {number[]} */ all) => ({ longest: Math.round(Math.max(...all)), over_50: all.filter((ms) => ms > 50).length });
    return { longest_frame: longest, tasks: tasks.length, by_clock: figures(inMs('dur')), by_processor: figures(inMs('tdur')) };
  };
}

/** A picture, where a folder for them is named by SHOTS. @param {any} page @param {string} name */
export async function shot(page, name) {
  const { SHOTS } = process.env;
  if (!SHOTS) return;
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`) });
}

/** What axe-core finds to be serious, in words; where axe-core is not beside playwright nothing is looked at. @param {any} page @param {string} where */
export async function accessible(page, where) {
  const { PLAYWRIGHT } = process.env;
  if (!PLAYWRIGHT) return;
  // Between two themes colours are neither's, and what is over fades away.
  await page.waitForFunction(() => document.getAnimations().every((a) => !(a instanceof CSSTransition)) && !document.querySelector('[data-status=resolved]'), null, { timeout: STEP_MS });
  await page.evaluate(readFileSync(join(PLAYWRIGHT, '..', 'axe-core', 'axe.min.js'), 'utf8'));
  const found = await page.evaluate(async () => {
    const { violations, passes } = await /** @type {any} */ (globalThis).axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
    if (passes.length < 20) throw new Error(`axe-core looked at ${passes.length} things only`);
    return violations.map((/** @type {any} */ v) => ({ impact: v.impact, id: v.id, help: v.help, at: v.nodes.slice(0, 3).map((/** @type {any} */ n) => `${n.target.join(' ')}: ${n.any[0]?.message ?? ''}`) }));
  });
  print({ note: `axe-core, ${where}`, found: found.map((/** @type {any} */ v) => `${v.impact} ${v.id}`) });
  assert.deepEqual(found.filter((/** @type {any} */ v) => v.impact === 'serious' || v.impact === 'critical'), [], where);
}

/** Opens a page; a network that changes meanwhile, as in a container, is no fault of ours. @param {any} page @param {string} url */
export async function open(page, url) {
  for (let tries = 5; ; tries--) {
    try {
      return await page.goto(url);
    } catch (error) {
      if (tries === 0 || !/ERR_NETWORK_CHANGED/.test(String(error))) throw error;
    }
  }
}

/** @param {any} page */
export const live = (page, patience = STEP_MS) => page.waitForSelector('[data-testid=connection][data-state=live]', { timeout: patience });
