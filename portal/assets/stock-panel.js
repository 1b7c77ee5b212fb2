// Find one medicine and see where it stands: a bar per branch against the reorder level, its lots, and how it moved.

import { follow, h, say, set } from './dom.js';
import { count, t } from './language.js';
import { LevelForm } from './level-form.js';
import { sparkline } from './sparkline.js';
import { store } from './store.js';
import { date, daysLeft, plainly, quantity } from './words.js';

/**
 * @import {Lot, StockItem} from '../client/types.d.ts'
 * @typedef {{id: string, name: string, items: StockItem[]}} Found
 */

const RESULTS = 8;
const URGENT = 6;
/** @type {Record<StockItem['status'], string>} */
const STATUS = { ok: t('enough'), low: t('low'), out: t('out of stock'), unknown: t('not known') };

export class StockPanel extends HTMLElement {
  #search = h('input', {
    type: 'search', id: 'search', 'data-testid': 'stock-search', placeholder: t('Find a medicine'), 'aria-label': t('Find a medicine'), autocomplete: 'off', spellcheck: 'false', enterkeyhint: 'search',
    oninput: () => store.stock.search(this.#search.value), onkeydown: (/** @type {KeyboardEvent} */ e) => this.#key(e),
  });
  #body = h('div', { class: 'stock-body', 'data-testid': 'stock' });
  #hint = h('div', { class: 'hint' });
  #urgent = h('ul', { class: 'rows', 'data-testid': 'urgent', 'aria-label': t('What wants ordering, the most urgent first') });
  #empty = h('p', { class: 'empty' });

  connectedCallback() {
    this.append(
      h('header', { class: 'panel-head' }, h('h2', { id: 'stock-title' }, t('Stock')), h('div', { class: 'search' }, this.#search, h('kbd', { 'aria-hidden': 'true' }, '/'))),
      this.#body, this.#urgent, this.#hint, this.#empty);
    store.read(['stock', 'tenant'], () => this.#paint());
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const first = this.#found()[0];
    if (event.key === 'Enter' && first) store.stock.open(first.id, first.name);
    if (event.key === 'Escape') {
      store.stock.search('');
      this.#search.blur();
    }
  }

  /** @returns {Found[]} */
  #found() {
    /** @type {Map<string, Found>} */
    const by = new Map();
    for (const item of store.stock.items) {
      if (!store.shows(item.branch?.id)) continue;
      const { id, name } = item.medicine;
      const found = by.get(id) ?? { id, name, items: [] };
      found.items.push(item);
      by.set(id, found);
    }
    return [...by.values()];
  }

  #paint() {
    const { stock } = store;
    if (this.parentElement) set(this.parentElement, { hidden: store.barred.has('stock') });
    if (document.activeElement !== this.#search || stock.medicine) this.#search.value = stock.query;
    const found = this.#found();
    const one = stock.medicine || found.length === 1;
    follow(this.#body, found.slice(0, one ? 1 : RESULTS), (f) => `${one ? 'one' : 'of'} ${f.id}`, (f) => (one ? this.#detail(f) : this.#result(f)), (el, f) => (one ? this.#fillDetail(el, f) : this.#fillResult(el, f)));
    this.#paintUrgent(Boolean(stock.query.trim() || stock.medicine));
    this.#paintHint(Boolean(stock.query.trim() || stock.medicine));
    const wrong = stock.problem || store.problems.stock;
    const problem = wrong ? `${t('The stock could not be loaded.')} ${wrong}` : '';
    const none = stock.query.trim() && !stock.loading && found.length === 0 ? t('No medicine is called \u201c{name}\u201d.', { name: stock.query.trim() }) : '';
    const more = !one && found.length > RESULTS ? count(found.length - RESULTS, '{n} more medicine: type more of the name.|{n} more medicines: type more of the name.') : '';
    const words = problem || none || more || (stock.loading && !found.length ? t('Looking\u2026') : '');
    say(this.#empty, words);
    set(this.#empty, { hidden: !words });
  }

  /** @param {boolean} busy */
  #paintUrgent(busy) {
    set(this.#urgent, { hidden: busy });
    if (busy) return;
    const items = store.stock.urgent.filter((i) => store.shows(i.branch?.id)).slice(0, URGENT);
    follow(this.#urgent, items, (i) => `${i.medicine.id} ${i.branch?.id}`, (i) => h('li', { 'data-testid': 'urgent-stock' },
      h('button', { type: 'button', class: 'row result', onclick: () => store.stock.open(i.medicine.id, i.medicine.name) },
        h('span', { class: 'row-text' }, h('b', null, i.medicine.name), h('small', null)), h('span', { class: 'row-figures' }, h('span', null), h('small', null)))),
    (el, i) => {
      const row = /** @type {Element} */ (el.firstElementChild);
      const [what, cover] = /** @type {[Element, Element]} */ (/** @type {unknown} */ ([...row.querySelectorAll('small')]));
      set(row, { 'data-status': i.status });
      say(what, [i.branch?.name, STATUS[i.status]].filter(Boolean).join(' \u00b7 '));
      say(/** @type {Element} */ (row.querySelector('.row-figures span')), t('{n} available', { n: quantity(i.available) }));
      say(cover, wanted(i));
    });
  }

  /** @param {boolean} busy */
  #paintHint(busy) {
    set(this.#hint, { hidden: busy });
    if (busy) return;
    const chips = store.stock.moved.map((m) => ({ ...m, why: 'moved' }));
    follow(this.#hint, [{ id: '', name: '', why: '' }, ...chips], (c) => `${c.id} ${c.why}`, (c) =>
      c.id ? h('button', { type: 'button', class: `chip ${c.why}`, onclick: () => store.stock.open(c.id, c.name) }, c.name) : h('p', { class: 'meta' }, t('Just moved')));
  }

  /** @param {Found} found */
  #result({ id, name }) {
    return h('button', { type: 'button', class: 'row result', 'data-testid': 'stock-result', 'data-medicine': id, onclick: () => store.stock.open(id, name) },
      h('span', { class: 'row-text' }, h('b', null, name), h('small', null)), h('span', { class: 'row-figures' }));
  }

  /** @param {HTMLElement} element @param {Found} found */
  #fillResult(element, { items }) {
    const worst = ['out', 'low', 'unknown', 'ok'].find((s) => items.some((i) => i.status === s)) ?? 'unknown';
    set(element, { 'data-status': worst });
    say(/** @type {Element} */ (element.querySelector('small')), items.map((i) => `${i.branch?.name ?? t('All')} ${quantity(i.available)}`).join(' \u00b7 '));
    say(/** @type {Element} */ (element.lastElementChild), STATUS[/** @type {'ok'} */ (worst)]);
  }

  /** @param {Found} found */
  #detail({ id }) {
    return h('article', { class: 'medicine', 'data-testid': 'medicine', 'data-medicine': id }, h('header', null, h('h3', null), h('p', { class: 'meta' }), h('a', { class: 'act', 'data-testid': 'medicine-page', hidden: Boolean(store.about), href: `/medicine?tenant=${encodeURIComponent(store.tenant?.subdomain || store.tenant?.id || '')}&medicine=${encodeURIComponent(id)}` }, t('Its page')), h('button', { type: 'button', class: 'act', hidden: Boolean(store.about), 'aria-label': t('Close this medicine'), onclick: () => store.stock.search('') }, t('Close'))), h('div', { class: 'branches' }));
  }

  /** @param {HTMLElement} element @param {Found} found */
  #fillDetail(element, { name, items }) {
    const { medicine } = /** @type {StockItem} */ (items[0]);
    say(/** @type {Element} */ (element.querySelector('h3')), name);
    const facts = [medicine.category, typeof medicine.reorder_level === 'number' ? t('reorder at {n}', { n: quantity(medicine.reorder_level) }) : t('no reorder level known'), typeof medicine.price === 'number' ? t('price {n}', { n: quantity(medicine.price) }) : ''];
    say(/** @type {Element} */ (element.querySelector('.meta')), facts.filter(Boolean).join(' \u00b7 '));
    // One scale for all branches, so that bars can be compared; twice the reorder level is always on it.
    const full = Math.max(1, ...items.map((i) => Math.max(i.on_hand ?? 0, i.available ?? 0, 2 * (store.stock.level(i.branch?.id)?.threshold.value ?? i.medicine.reorder_level ?? 0)))) * 1.04;
    follow(/** @type {Element} */ (element.lastElementChild), items, (i) => i.branch?.id ?? '', (i) => this.#branch(i), (el, i) => this.#fillBranch(el, i, full));
  }

  /** @type {WeakMap<Element, LevelForm>} */ #forms = new WeakMap();

  /** @param {StockItem} item */
  #branch(item) {
    const form = new LevelForm(item.branch?.id ?? '');
    const section = h('section', { class: 'branch', 'data-testid': 'branch-stock', 'data-branch': item.branch?.id ?? '' },
      h('div', { class: 'branch-head' }, h('h4', null, item.branch?.name ?? t('Whole pharmacy')), h('span', { class: 'status' }), h('span', { class: 'spark' })),
      h('div', { class: 'numbers' }, number(plainly('available')), number(plainly('on_hand')), number(plainly('reserved'))),
      h('div', { class: 'bar' }), h('div', { class: 'lots' }), form.element, h('p', { class: 'meta', 'data-testid': 'cover' }));
    this.#forms.set(section, form);
    return section;
  }

  /** @param {HTMLElement} element @param {StockItem} item @param {number} full What the whole bar stands for. */
  #fillBranch(element, item, full) {
    const [head, numbers, bar, lots] = /** @type {[Element, Element, Element, Element]} */ (/** @type {unknown} */ ([...element.children]));
    set(element, { 'data-status': item.status });
    say(/** @type {Element} */ (head.children[1]), STATUS[item.status]);
    [item.available, item.on_hand, item.reserved].forEach((n, i) => {
      const cell = /** @type {Element} */ (numbers.children[i]);
      set(cell, { 'data-testid': `stock-${['available', 'on-hand', 'reserved'][i]}` });
      say(/** @type {Element} */ (cell.firstElementChild), quantity(n));
    });
    const level = store.stock.level(item.branch?.id);
    this.#forms.get(element)?.fill(level);
    const limit = level?.threshold.value ?? item.medicine.reorder_level ?? null;
    const points = store.stock.series(item.medicine.id, item.branch?.id);
    const drawn = `${points.length} ${points.at(-1)?.at} ${limit}`;
    const spark = /** @type {HTMLElement} */ (head.children[2]);
    if (spark.dataset.drawn !== drawn) {
      spark.dataset.drawn = drawn;
      spark.replaceChildren(sparkline(points, limit));
    }
    say(/** @type {Element} */ (element.lastElementChild), wanted(item));
    drawBar(bar, item, limit, full);
    const sorted = [...(item.lots ?? [])].sort((a, b) => (a.expires ?? '~').localeCompare(b.expires ?? '~'));
    follow(lots, sorted, (l) => l.id, (l) => this.#lot(l), fillLot);
  }

  /** @param {Lot} lot */
  #lot(lot) {
    return h('div', { class: 'lot-row', 'data-testid': 'lot', 'data-lot': lot.id }, h('span', { class: 'lot-number' }), h('span', { class: 'lot-date' }), h('span', { class: 'days' }), h('span', { class: 'lot-hand' }));
  }
}

/** How long it lasts and what to order, as far as that is known. @param {StockItem} item */
function wanted({ cover_days: days, order }) {
  const lasts = typeof days === 'number' ? count(Math.floor(days), 'enough for {n} day|enough for {n} days') : t('cover not known');
  return [lasts, typeof order === 'number' && order > 0 && t('order {n}', { n: quantity(order) })].filter(Boolean).join(' \u00b7 ');
}

/** @param {string} label */
const number = (label) => h('div', null, h('strong', null), h('span', null, label));

/** @param {HTMLElement} element @param {Lot} lot */
function fillLot(element, lot) {
  const { days } = lot;
  set(element, { 'data-rung': typeof days !== 'number' ? '' : days < 0 ? 'expired' : days <= 7 ? 'expires_7' : days <= 30 ? 'expires_30' : '' });
  const texts = [lot.number ?? lot.id, date(lot.expires), lot.expires === 'infinity' ? '' : daysLeft(days), `${quantity(lot.on_hand)}${lot.reserved ? `, ${quantity(lot.reserved)} ${plainly('reserved')}` : ''}`];
  texts.forEach((t, i) => say(/** @type {Element} */ (element.children[i]), t));
}

/** What is available, what is reserved on top of it, and a mark at the reorder level. @param {Element} bar @param {StockItem} item @param {number | null} limit @param {number} full */
function drawBar(bar, item, limit, full) {
  if (!bar.firstChild) bar.append(h('i', { class: 'bar-available' }), h('i', { class: 'bar-held' }), h('i', { class: 'bar-limit' }));
  const [available, held, mark] = /** @type {HTMLElement[]} */ ([...bar.children]);
  const have = Math.max(0, item.available ?? 0);
  const rest = Math.max(0, (item.on_hand ?? 0) - have);
  // Through the object model: a style attribute would need a weaker policy.
  available?.style.setProperty('width', `${(100 * have) / full}%`);
  held?.style.setProperty('width', `${(100 * rest) / full}%`);
  mark?.style.setProperty('left', `${(100 * (limit ?? 0)) / full}%`);
  mark?.toggleAttribute('hidden', limit === null);
  set(bar, { role: 'img', 'aria-label': `${quantity(item.available)} ${plainly('available')}${limit === null ? '' : `, ${t('reorder at {n}', { n: quantity(limit) })}`}` });
}
