// A bar a day, and spans of time in words: for reports.

import { svg } from './dom.js';
import { language, t } from './language.js';

const number = new Intl.NumberFormat(language);
const WIDTH = 720;
const HEIGHT = 120;
const FOOT = 10;

/** A span in the largest unit that says something. @param {number | null | undefined} seconds */
export function span(seconds) {
  if (seconds === undefined || seconds === null) return '\u2013';
  const units = /** @type {const} */ ([[86400, t('d')], [3600, t('h')], [60, t('min')]]);
  for (const [size, unit] of units) if (seconds >= 2 * size) return `${number.format(Math.round((seconds / size) * 10) / 10)} ${unit}`;
  return `${Math.round(seconds)} s`;
}

/** Each civil day from one to another with a number, 0 where none is known. @param {number} from @param {number} to In ms since 1970. @param {Iterable<[day: string, n: number]>} known @returns {[string, number][]} */
export function everyDay(from, to, known) {
  /** @type {Map<string, number>} */
  const by = new Map();
  for (let at = from; at <= to; at += 86_400_000) by.set(new Date(at).toISOString().slice(0, 10), 0);
  for (const [day, n] of known) by.set(day, (by.get(day) ?? 0) + n);
  return [...by].sort(([x], [y]) => x.localeCompare(y));
}

/** @param {[day: string, n: number][]} days @param {string} label */
export function dayBars(days, label) {
  const most = Math.max(1, ...days.map(([, n]) => n));
  const width = WIDTH / Math.max(1, days.length);
  const tall = HEIGHT - 2 * FOOT;
  return svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': label, preserveAspectRatio: 'none' },
    ...days.map(([day, n], i) => {
      const title = svg('title', {});
      title.append(`${day}: ${n}`);
      return svg('rect', { x: i * width + 0.5, y: HEIGHT - FOOT - (tall * n) / most, width: Math.max(1, width - 1), height: (tall * n) / most }, title);
    }));
}
