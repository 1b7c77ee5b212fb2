// How a pharmacy's alerts have been: by day and rule, how long they stood, and what was noisiest.

/** @import {Analytics} from '../client/wire.d.ts' */

import { dayBars, everyDay, span } from './bars.js';
import { fill, h, set } from './dom.js';
import { watchHealth } from './health.js';
import { count, language, t } from './language.js';
import { choosePharmacy, complain, get, pharmacy } from './which.js';
import { kindName } from './words.js';

const branch = get('branch', HTMLSelectElement), days = get('days', HTMLSelectElement);
const number = new Intl.NumberFormat(language);

/** @param {Analytics} a */
function paint(a) {
  const told = a.days ?? [];
  const perDay = told.length === 0 ? [] : everyDay(Date.parse(a.since), Date.now(), told.map((d) => [d.day, d.raised]));
  const total = perDay.reduce((sum, [, n]) => sum + n, 0);
  const most = Math.max(0, ...perDay.map(([, n]) => n));
  fill(get('bars', HTMLElement), total
    ? dayBars(perDay, t('{total} alerts raised in {days} days, at most {most} a day', { total, days: perDay.length, most })) : h('p', { class: 'none' }, t('Nothing was raised.')));
  fill(get('rules', HTMLElement), ...(a.rules ?? []).map((r) => h('tr', { 'data-rule': r.rule },
    h('th', { scope: 'row' }, kindName(r.rule)),
    ...[number.format(r.raised), number.format(r.open), number.format(r.acknowledged), span(r.acknowledge_seconds?.p50), number.format(r.resolved),
      span(r.resolve_seconds?.p50), span(r.resolve_seconds?.p90)].map((text) => h('td', null, text)))));
  const places = new Map(pharmacy()?.branches?.map((b) => /** @type {const} */ ([b.id, b.name])));
  const noisy = (a.noisiest ?? []).length > 0;
  set(get('noisiest', HTMLElement), { hidden: !noisy });
  set(get('calm', HTMLElement), { hidden: noisy });
  fill(get('noisiest', HTMLElement), ...(a.noisiest ?? []).map((s) => h('li', null,
    [`${s.subject.name}${s.subject.lot ? `, ${t('lot {lot}', { lot: s.subject.lot })}` : ''}: ${kindName(s.rule)}`, count(s.episodes, '{n} time|{n} times'), s.branch && (places.get(s.branch) || s.branch)].filter(Boolean).join(', '))));
}

let asked = 0;

async function load() {
  const mine = ++asked;
  complain();
  try {
    const query = new URLSearchParams({ since: `${days.value}d`, ...(branch.value && { branch: branch.value }) });
    const response = await fetch(`/api/tenant/${encodeURIComponent(pharmacy()?.id ?? '')}/analytics?${query}`, { headers: { Accept: 'application/json' } });
    const body = await response.json();
    if (mine !== asked) return;
    if (!response.ok) throw new Error(body.detail || body.title);
    paint(body);
  } catch (error) {
    if (mine === asked) complain(error);
  }
}

branch.addEventListener('change', () => void load());
days.addEventListener('change', () => void load());
await choosePharmacy(() => {
  watchHealth(pharmacy()?.id ?? '');
  void load();
});
