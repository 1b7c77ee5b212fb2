// How a stock moved over time: a step line on a clock's axis, and the level at which it is low.

import { svg } from './dom.js';
import { t } from './language.js';
import { moment, quantity } from './words.js';

/** @import {Point} from './stock-book.js' */

const HEIGHT = 190, LEFT = 52, RIGHT = 10, TOP = 12, FOOT = 26;
/** No line is drawn over less time: a few seconds would say nothing. */
const SHORTEST_MS = 2 * 60_000;
/** Room that a time on the axis needs. */
const TICK_WIDTH = 110;

/** @param {Point[]} points The oldest first. @param {number | null} level @param {number} now In ms since 1970. @param {number} width In pixels. */
export function stockChart(points, level, now, width) {
  const [first] = points, last = points.at(-1);
  const picture = svg('svg', { viewBox: `0 0 ${width} ${HEIGHT}`, role: 'img', class: 'chart', 'data-testid': 'chart', 'data-points': points.length });
  if (!first || !last) return picture;
  const ticks = Math.max(1, Math.floor((width - LEFT) / TICK_WIDTH));
  const from = Math.min(first.at, now - SHORTEST_MS), to = Math.max(now, last.at);
  const low = Math.min(0, ...points.map((p) => p.value)), high = Math.max(1, level ?? 0, ...points.map((p) => p.value)) * 1.08;
  const x = (/** @type {number} */ at) => LEFT + ((width - LEFT - RIGHT) * (at - from)) / (to - from);
  const y = (/** @type {number} */ value) => TOP + (HEIGHT - TOP - FOOT) * (1 - (value - low) / (high - low));
  picture.setAttribute('aria-label', t('Available from {from} to {to}: {first}, now {last}', { from: moment(iso(first.at)), to: moment(iso(to)), first: quantity(first.value), last: quantity(last.value) }));
  for (const value of [low, (low + high) / 2, high].map((v) => Math.round(v))) {
    picture.append(svg('line', { x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value), class: 'grid' }), words(LEFT - 7, y(value) + 4, 'end', quantity(value)));
  }
  for (let i = 0; i <= ticks; i++) {
    const at = from + ((to - from) * i) / ticks;
    picture.append(words(x(at), HEIGHT - 7, i === 0 ? 'start' : i === ticks ? 'end' : 'middle', moment(iso(at)).replace(/:\d\d$/, (s) => (to - from < 3_600_000 ? s : ''))));
  }
  if (level !== null) picture.append(svg('line', { x1: LEFT, x2: width - RIGHT, y1: y(level), y2: y(level), class: 'limit' }));
  let path = `M${x(first.at).toFixed(1)} ${y(first.value).toFixed(1)}`;
  for (const p of points.slice(1)) path += `H${x(p.at).toFixed(1)}V${y(p.value).toFixed(1)}`;
  picture.append(svg('path', { d: `${path}H${x(to).toFixed(1)}` }), svg('circle', { cx: x(to), cy: y(last.value), r: 3 }));
  return picture;
}

const iso = (/** @type {number} */ ms) => new Date(ms).toISOString();

/** @param {number} x @param {number} y @param {string} anchor @param {string} text */
function words(x, y, anchor, text) {
  const element = svg('text', { x, y, 'text-anchor': anchor });
  element.append(text);
  return element;
}
