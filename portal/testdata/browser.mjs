// What the browser's stories share: the browser of the machine, the talk with whoever holds database and engine, the time a frame takes.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

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

/** Times frames from now on. Returns what gives the longest, and the tasks over 50 ms, in ms. @param {any} page */
export async function timeFrames(page) {
  await page.evaluate(() => {
    const w = /** @type {any} */ (globalThis);
    w.frames = { longest: 0, tasks: [] };
    let last = performance.now();
    const frame = (/** @type {number} */ now) => {
      w.frames.longest = Math.max(w.frames.longest, Math.round(now - last));
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    new PerformanceObserver((list) => w.frames.tasks.push(...list.getEntries().map((e) => Math.round(e.duration)))).observe({ entryTypes: ['longtask'] });
  });
  return () => page.evaluate(() => /** @type {any} */ (globalThis).frames);
}
