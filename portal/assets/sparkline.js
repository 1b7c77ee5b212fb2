// How a number moved: a step line, for stock jumps and does not glide, with the reorder level as a dashed line.

import { svg } from './dom.js';
import { t } from './language.js';

const WIDTH = 120;
const HEIGHT = 28;
const PAD = 2;

/** @param {{at: number, value: number}[]} points @param {number | null} limit @param {string} [what] */
export function sparkline(points, limit, what = t('Available')) {
  const picture = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, role: 'img', class: 'sparkline', 'data-testid': 'sparkline', 'data-points': points.length });
  const last = points.at(-1);
  if (!last) return picture;
  picture.setAttribute('aria-label', t('{what} since this page was opened: from {first} to {last}, {n} points', { what, first: points[0]?.value ?? 0, last: last.value, n: points.length }));
  const values = points.map((p) => p.value);
  const near = limit !== null && limit <= Math.max(...values) * 1.5 ? [limit] : [];
  const low = Math.min(...values, ...near);
  const high = Math.max(...values, ...near, low + 1);
  const y = (/** @type {number} */ v) => PAD + (HEIGHT - 2 * PAD) * (1 - (v - low) / (high - low));
  // One step a change: a busy minute and a quiet hour are equally readable.
  const x = (/** @type {number} */ i) => PAD + ((WIDTH - 2 * PAD) * i) / Math.max(1, points.length - 1);
  let path = `M${x(0)} ${y(values[0] ?? 0).toFixed(1)}`;
  for (let i = 1; i < values.length; i++) path += `H${x(i).toFixed(1)}V${y(values[i] ?? 0).toFixed(1)}`;
  if (values.length === 1) path += `H${WIDTH - PAD}`;
  if (near.length) picture.append(svg('line', { x1: 0, x2: WIDTH, y1: y(near[0] ?? 0), y2: y(near[0] ?? 0), class: 'limit' }));
  picture.append(svg('path', { d: path }), svg('circle', { cx: values.length === 1 ? WIDTH - PAD : x(values.length - 1), cy: y(last.value), r: 2 }));
  return picture;
}
