// By which rules a pharmacy is judged, and what they would have told of its past.

/** @import {Backtest, RuleItem} from '../client/wire.d.ts' */

import { rest } from '../client/rest.js';
import { dayBars, everyDay, span } from './bars.js';
import { fill, h, set } from './dom.js';
import { count, language, t } from './language.js';
import { choosePharmacy, complain, get, pharmacy } from './which.js';
import { kindName, moment, SEVERITY } from './words.js';

const days = get('days', HTMLSelectElement), run = get('run', HTMLButtonElement);
const number = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });

/** @param {RuleItem} rule */
function row(rule) {
  const settings = Object.entries(rule.settings);
  return h('tr', { 'data-rule': rule.id, 'data-off': rule.off },
    h('th', { scope: 'row' }, kindName(rule.kind), rule.id !== rule.kind && h('small', null, ` ${rule.id}`)),
    h('td', { class: 'left' }, rule.off ? t('off') : rule.severity ? SEVERITY[/** @type {'info'} */ (rule.severity)] : t('as the rule says')),
    h('td', { class: 'settings' }, ...(rule.when ? [h('p', null, t('only where'), ' ', h('code', null, rule.when))] : []),
      ...settings.map(([name, value]) => h('p', null, h('code', null, `${name}: ${setting(value)}`)))),
    h('td', null, number.format(rule.open)));
}

/** A setting as a pack's file has it, in one line. @param {unknown} value @returns {string} */
function setting(value) {
  if (Array.isArray(value)) return value.map(setting).join('; ');
  if (value && typeof value === 'object') return Object.entries(value).map(([k, v]) => `${k} ${setting(v)}`).join(', ');
  return String(value).replace(/^(\d+h)0m0s$/, '$1').replace(/^(\d+m)0s$/, '$1');
}

/** @param {Backtest | null} b */
function paint(b) {
  const result = get('result', HTMLElement);
  if (!b) return fill(result, h('p', { class: 'none' }, t('No backtest was made since the engine started.')));
  const perDay = everyDay(Date.parse(b.at) - b.days * 86_400_000, Date.parse(b.at), b.by_day.map((d) => [d.day, d.told]));
  const label = t('{total} notifications in {days} days, {rate} a day', { total: number.format(b.told), days: b.days, rate: number.format(b.told / b.days) });
  const head = [t('Rule'), t('Raised'), t('Changed'), t('Resolved'), t('Open'), t('Raised again within a day'), t('Resolved after'), t('9 in 10 after')];
  fill(result,
    h('p', { 'data-testid': 'told', 'data-told': b.told }, `${label}; ${count(b.sales, '{n} sale was judged|{n} sales were judged')}; ${moment(b.at)}`),
    dayBars(perDay, label),
    h('table', null, h('thead', null, h('tr', null, ...head.map((name) => h('th', { scope: 'col' }, name)))),
      h('tbody', null, ...b.rules.map((r) => h('tr', { 'data-rule': r.rule }, h('th', { scope: 'row' }, kindName(r.rule)),
        ...[r.raised, r.changed, r.resolved, r.open, r.flaps].map((n) => h('td', null, number.format(n))), h('td', null, span(r.resolve_seconds?.p50)), h('td', null, span(r.resolve_seconds?.p90)))))),
    h('h3', null, t('Noisiest')),
    b.noisiest.length > 0 ? h('ol', null, ...b.noisiest.map((n) => h('li', null, [`${n.subject}: ${kindName(n.rule)}`, count(n.told, '{n} time|{n} times'), n.branch].filter(Boolean).join(', ')))) : h('p', { class: 'none' }, t('Nothing was raised.')));
}

let turn = 0;

async function load() {
  const mine = ++turn;
  complain();
  try {
    const book = await rest({ tenant: pharmacy()?.id ?? '' }).rules();
    if (mine !== turn) return;
    fill(get('rules', HTMLElement), ...book.items.map(row));
    paint(book.backtest);
  } catch (error) {
    if (mine === turn) complain(error);
  }
}

run.addEventListener('click', async () => {
  const mine = turn;
  set(run, { disabled: true });
  run.textContent = t('Judging\u2026');
  complain();
  try {
    const b = await rest({ tenant: pharmacy()?.id ?? '' }).backtest(Number(days.value));
    if (mine === turn) paint(b);
  } catch (error) {
    if (mine === turn) complain(error);
  }
  set(run, { disabled: false });
  run.textContent = t('Judge the past');
});

await choosePharmacy(() => void load());
