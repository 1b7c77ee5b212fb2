// Lots that expire: the most urgent of the next thirty days as a list, or a year of them by month.

import { follow, h, say, set } from './dom.js';
import { count, t } from './language.js';
import { store } from './store.js';
import { date, daysLeft, monthName, quantity } from './words.js';

/** @import {ExpiringItem} from '../client/types.d.ts' */

const SHOWN_AT_FIRST = 12;
const SOON = 30;
const MONTHS = 12;
/** The cell for what has expired. */
const PAST = 'past';

export class ExpiringPanel extends HTMLElement {
  #whole = false;
  #calendar = false;
  #month = '';
  #count = h('span', { class: 'n', 'data-testid': 'expiring-count' });
  #flip = h('button', { type: 'button', class: 'act', 'data-testid': 'calendar', 'aria-pressed': 'false', onclick: () => this.#turn() }, t('Calendar'));
  #months = h('div', { class: 'months', role: 'group', 'aria-label': t('Show one month'), 'data-testid': 'months', hidden: true });
  #list = h('ul', { class: 'rows', 'data-testid': 'expiring' });
  #empty = h('p', { class: 'empty' });
  #more = h('button', { type: 'button', class: 'more', hidden: true, onclick: () => this.#showAll() });

  connectedCallback() {
    this.append(h('header', { class: 'panel-head' }, h('h2', { id: 'expiring-title' }, t('Expiring soon')), this.#count, this.#flip), this.#months, this.#list, this.#more, this.#empty);
    store.read(['expiring', 'tenant'], () => this.#paint());
  }

  #showAll() {
    this.#whole = true;
    store.touch('expiring');
  }

  #turn() {
    this.#calendar = !this.#calendar;
    this.#month = '';
    this.#whole = false;
    set(this.#flip, { 'aria-pressed': String(this.#calendar) });
    store.touch('expiring');
  }

  #paint() {
    const all = store.expiring.filter((i) => store.shows(i.branch?.id)).sort((a, b) => a.days - b.days);
    if (this.parentElement) set(this.parentElement, { hidden: store.barred.has('expiring') });
    if (this.#calendar) this.#paintMonths(all);
    set(this.#months, { hidden: !this.#calendar });
    const items = all.filter((i) => (this.#month ? monthOf(i) === this.#month : i.days <= SOON));
    const shown = this.#whole ? items : items.slice(0, SHOWN_AT_FIRST);
    say(this.#count, items.length ? count(items.length, '{n} lot|{n} lots') : '');
    follow(this.#list, shown, (i) => i.lot.id, (i) => this.#row(i), (el, i) => this.#fill(el, i));
    set(this.#more, { hidden: shown.length === items.length });
    say(this.#more, t('Show {n} more', { n: items.length - shown.length }));
    set(this.#empty, { hidden: items.length > 0 && !store.problems.expiring });
    say(this.#empty, store.problems.expiring ? `${t('This list could not be loaded.')} ${store.problems.expiring}` : this.#month ? t('No lot expires in this month.') : t('No lot expires within 30 days.'));
  }

  /** A cell a month, the darker the more units it holds; what has expired stands before all. @param {ExpiringItem[]} all */
  #paintMonths(all) {
    /** @type {Map<string, {lots: number, units: number}>} */
    const by = new Map(months().map((m) => [m, { lots: 0, units: 0 }]));
    for (const item of all) {
      const cell = by.get(monthOf(item));
      if (!cell) continue;
      cell.lots++;
      cell.units += item.lot.on_hand ?? 0;
    }
    const most = Math.max(1, ...[...by.values()].map((c) => c.units));
    follow(this.#months, [...by], ([m]) => m, ([m]) => h('button', { type: 'button', class: 'month', 'data-testid': 'month', 'data-month': m, onclick: () => this.#choose(m) }, h('span', null), h('strong', null), h('small', null)), (el, [m, { lots, units }]) => {
      const [name, n, of] = /** @type {[Element, Element, Element]} */ (/** @type {unknown} */ ([...el.children]));
      set(el, { 'aria-pressed': String(this.#month === m), 'data-weight': lots === 0 ? 0 : Math.ceil((4 * units) / most) || 1, 'data-lots': lots });
      say(name, m === PAST ? t('Expired') : monthName(`${m}-01`));
      say(n, quantity(units));
      say(of, count(lots, '{n} lot|{n} lots'));
    });
  }

  /** @param {string} month */
  #choose(month) {
    this.#month = this.#month === month ? '' : month;
    this.#whole = false;
    store.touch('expiring');
  }

  /** @param {ExpiringItem} item */
  #row(item) {
    const open = () => {
      store.stock.open(item.medicine.id, item.medicine.name);
      document.dispatchEvent(new CustomEvent('rx-view', { detail: 'stock' }));
    };
    return h('li', { 'data-testid': 'expiring-lot' },
      h('button', { type: 'button', class: 'row', onclick: open },
        h('span', { class: 'row-text' }, h('b', null, item.medicine.name), h('small', null)),
        h('span', { class: 'row-figures' }, h('span', { class: 'days' }), h('small', null))));
  }

  /** @param {HTMLElement} element @param {ExpiringItem} item */
  #fill(element, { lot, branch, days, rung }) {
    set(element, { 'data-rung': rung });
    const [small, left, on] = /** @type {[Element, Element, Element]} */ (/** @type {unknown} */ ([...element.querySelectorAll('small:only-child, .row-text small, .days, .row-figures small')]));
    say(small, [t('lot {lot}', { lot: lot.number ?? lot.id }), branch?.name, date(lot.expires)].filter(Boolean).join(' \u00b7 '));
    say(left, daysLeft(days));
    say(on, t('{n} on hand', { n: quantity(lot.on_hand) }));
  }
}

/** The month a lot expires in, YYYY-MM. @param {ExpiringItem} item */
const monthOf = ({ days, lot }) => (days < 0 ? PAST : String(lot.expires).slice(0, 7));

/** This month and those after it, and before them what is past. */
function months() {
  const now = new Date();
  return [PAST, ...Array.from({ length: MONTHS }, (_, i) => new Date(Date.UTC(now.getFullYear(), now.getMonth() + i, 1)).toISOString().slice(0, 7))];
}
