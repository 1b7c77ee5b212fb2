// How a pharmacy's alerts have been: by day and rule, how long they stood, and what was noisiest.

/**
 * @import {TenantItem} from '../client/types.d.ts'
 * @import {Analytics} from '../client/wire.d.ts'
 */

import { tenants } from '../client/rest.js';
import { fill, h, set, svg } from './dom.js';
import { watchHealth } from './health.js';
import { plainly } from './words.js';

/** @template {HTMLElement} T @param {string} id @param {new () => T} type */
const get = (id, type) => {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`no ${id}`);
  return element;
};
const tenant = get('tenant', HTMLSelectElement), branch = get('branch', HTMLSelectElement), days = get('days', HTMLSelectElement);
const problem = get('problem', HTMLElement);
const number = new Intl.NumberFormat('en');

/** @type {TenantItem[]} */
let known = [];

/** A span in the largest unit that says something. @param {number | null | undefined} seconds */
export function span(seconds) {
  if (seconds === undefined || seconds === null) return '–';
  const units = /** @type {const} */ ([[86400, 'd'], [3600, 'h'], [60, 'min']]);
  for (const [size, unit] of units) if (seconds >= 2 * size) return `${Math.round((seconds / size) * 10) / 10} ${unit}`;
  return `${Math.round(seconds)} s`;
}

/** @param {string} name */
const capital = (name) => name.charAt(0).toUpperCase() + name.slice(1);

/** @param {Analytics} a */
function paint(a) {
  const perDay = a.days ?? [];
  const [first] = perDay;
  /** @type {Map<string, number>} */
  const byDay = new Map();
  if (first) {
    const last = Date.now();
    for (let at = Date.parse(a.since); at <= last; at += 86_400_000) byDay.set(new Date(at).toISOString().slice(0, 10), 0);
  }
  for (const d of perDay) byDay.set(d.day, (byDay.get(d.day) ?? 0) + d.raised);
  const bars = [...byDay].sort(([x], [y]) => x.localeCompare(y));
  const most = Math.max(1, ...bars.map(([, n]) => n));
  const total = bars.reduce((sum, [, n]) => sum + n, 0);
  const width = 720 / Math.max(1, bars.length);
  const chart = svg('svg', { viewBox: '0 0 720 120', role: 'img', 'aria-label': `${total} alerts raised in ${bars.length} days, at most ${most} a day`, preserveAspectRatio: 'none' },
    ...bars.map(([day, n], i) => {
      const bar = svg('rect', { x: i * width + 0.5, y: 110 - (100 * n) / most, width: Math.max(1, width - 1), height: (100 * n) / most });
      bar.append(svg('title', {}));
      bar.firstElementChild?.append(`${day}: ${n}`);
      return bar;
    }));
  const none = () => h('p', { class: 'none' }, 'Nothing was raised.');
  fill(get('bars', HTMLElement), total ? chart : none());
  fill(get('rules', HTMLElement), ...(a.rules ?? []).map((r) => h('tr', { 'data-rule': r.rule },
    h('th', { scope: 'row' }, capital(plainly(r.rule))),
    ...[number.format(r.raised), number.format(r.open), number.format(r.acknowledged), span(r.acknowledge_seconds?.p50), number.format(r.resolved),
      span(r.resolve_seconds?.p50), span(r.resolve_seconds?.p90)].map((text) => h('td', null, text)))));
  const places = new Map(known.find((t) => t.id === tenant.value)?.branches?.map((b) => /** @type {const} */ ([b.id, b.name])));
  const noisy = (a.noisiest ?? []).length > 0;
  set(get('noisiest', HTMLElement), { hidden: !noisy });
  set(get('calm', HTMLElement), { hidden: noisy });
  fill(get('noisiest', HTMLElement), ...(a.noisiest ?? []).map((s) => h('li', null,
    `${s.subject.name}${s.subject.lot ? `, lot ${s.subject.lot}` : ''}: ${plainly(s.rule)}, ${s.episodes} times${s.branch ? ` in ${places.get(s.branch) || s.branch}` : ''}`)));
}

let asked = 0;

async function load() {
  const mine = ++asked;
  problem.textContent = '';
  try {
    const query = new URLSearchParams({ since: `${days.value}d`, ...(branch.value && { branch: branch.value }) });
    const response = await fetch(`/api/tenant/${encodeURIComponent(tenant.value)}/analytics?${query}`, { headers: { Accept: 'application/json' } });
    const body = await response.json();
    if (mine !== asked) return;
    if (!response.ok) throw new Error(body.detail || body.title);
    paint(body);
  } catch (error) {
    if (mine === asked) problem.textContent = error instanceof Error ? error.message : String(error);
  }
}

function branches() {
  const all = known.find((t) => t.id === tenant.value)?.branches ?? [];
  fill(branch, h('option', { value: '' }, 'All branches'), ...all.map((b) => h('option', { value: b.id }, b.name || b.id)));
  set(branch, { hidden: all.length < 2 });
}

tenant.addEventListener('change', () => { branches(); watchHealth(tenant.value); void load(); });
branch.addEventListener('change', () => void load());
days.addEventListener('change', () => void load());

try {
  known = await tenants();
  fill(tenant, ...known.map((t) => h('option', { value: t.id }, t.name || t.id)));
  const wanted = new URLSearchParams(location.search).get('tenant') ?? localStorage.getItem('rxvigil.tenant');
  if (known.some((t) => t.id === wanted)) tenant.value = wanted ?? '';
  set(tenant, { disabled: known.length < 2 });
  branches();
  watchHealth(tenant.value);
  await load();
} catch (error) {
  if (error instanceof Error && 'status' in error && error.status === 401) location.assign('/login');
  problem.textContent = error instanceof Error ? error.message : String(error);
}
