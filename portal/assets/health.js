// How the engine is, drawn since this page was opened: how far it is behind, how long a commit takes to a viewer, who listens.

import { rest } from '../client/rest.js';
import { fill, h } from './dom.js';
import { count, language, t } from './language.js';
import { sparkline } from './sparkline.js';
import { moment, plainly } from './words.js';

/** @import {Stats} from '../client/types.d.ts' */

const EVERY_MS = 5_000;
const POINTS = 120;
const number = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });

/** @type {[name: string, unit: string, read: (s: Stats) => number | null | undefined][]} */
const DRAWN = [
  [t('Behind the database'), 's', (s) => s.lag?.seconds],
  [t('WAL not yet taken'), 'kB', (s) => (typeof s.lag?.bytes === 'number' ? s.lag.bytes / 1024 : null)],
  [t('Commit to viewer, 99 in 100'), 'ms', (s) => s.latency?.p99_ms],
  [t('Listening'), t('connections'), (s) => total(s.connections)],
  [t('Events a minute'), '', (s) => total(Object.fromEntries(Object.entries(s.events ?? {}).map(([k, v]) => [k, v.per_minute])))],
];

const total = (/** @type {Record<string, number> | undefined} */ all) => Object.values(all ?? {}).reduce((a, b) => a + b, 0);

/** @type {{at: number, value: number}[][]} */
let series = DRAWN.map(() => []);
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let turn = 0;

/** Begins anew, with a tenant's own numbers. @param {string} tenant */
export function watchHealth(tenant) {
  turn++;
  clearTimeout(timer);
  series = DRAWN.map(() => []);
  void look(tenant, turn);
}

/** @param {string} tenant @param {number} mine */
async function look(tenant, mine) {
  const stats = await rest({ tenant }).stats().catch((/** @type {Error} */ error) => error);
  if (mine !== turn) return;
  paint(stats);
  timer = setTimeout(() => void look(tenant, mine), EVERY_MS);
}

/** @param {Stats | Error} stats */
function paint(stats) {
  const at = document.getElementById('health');
  if (!at) return;
  // Numbers of another minute are no numbers: what was drawn stays, what is now is said.
  if (stats instanceof Error) return fill(at, h('p', { class: 'none' }, stats.message));
  const engine = stats.engine ?? {};
  const kinds = Object.entries(stats.connections ?? {}).filter(([, n]) => n > 0).map(([kind, n]) => `${kind.replaceAll('_', ' ')} ${n}`);
  fill(at,
    h('p', { 'data-status': engine.status ?? '' }, [plainly(engine.status ?? 'unknown'), engine.since && t('since {time}', { time: moment(engine.since) }), t('version {version}', { version: engine.version ?? t('unknown') }), count(engine.faults ?? 0, '{n} fault in the data|{n} faults in the data'), kinds.join(', ') || t('nobody listens')].filter(Boolean).join('; ')),
    h('dl', { class: 'health' }, ...DRAWN.flatMap(([name, unit, read], i) => {
      const value = read(stats);
      const points = series[i] ?? [];
      if (typeof value === 'number') points.push({ at: Date.now(), value });
      if (points.length > POINTS) points.shift();
      return [h('dt', null, name), h('dd', null, h('strong', null, typeof value === 'number' ? number.format(value) : t('unknown')), ` ${unit} `, sparkline(points, null, name))];
    })));
}
