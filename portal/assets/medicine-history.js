// How one medicine's stock moved, branch by branch: what the engine's log still has of it, and what comes.

import { follow, h, say, set } from './dom.js';
import { t } from './language.js';
import { stockChart } from './stock-chart.js';
import { store } from './store.js';

/** @import {StockItem} from '../client/types.d.ts' */

/** The clock's end of the line moves on although nothing happens. */
const REDRAW_MS = 10_000;

export class MedicineHistory extends HTMLElement {
  #title = h('h2', { id: 'history-title', 'data-testid': 'medicine-name' });
  #charts = h('div', { class: 'charts' });
  #empty = h('p', { class: 'empty' });

  connectedCallback() {
    this.append(h('header', { class: 'panel-head' }, this.#title), this.#charts, this.#empty);
    store.read(['stock', 'tenant', 'tick'], () => this.#paint());
  }

  #paint() {
    const { stock } = store;
    const items = stock.items.filter((i) => i.medicine.id === store.about && store.shows(i.branch?.id));
    say(this.#title, items[0]?.medicine.name ?? '');
    follow(this.#charts, items, (i) => i.branch?.id ?? '', (i) => h('section', { 'data-branch': i.branch?.id ?? '' }, h('h3', null, i.branch?.name ?? t('Whole pharmacy')), h('div', null)), (el, i) => this.#draw(el, i));
    set(this.#empty, { hidden: items.length > 0 });
    say(this.#empty, stock.problem || (stock.loading ? t('Loading\u2026') : t('This pharmacy has no such medicine.')));
  }

  /** @param {HTMLElement} element @param {StockItem} item */
  #draw(element, item) {
    const points = store.stock.series(item.medicine.id, item.branch?.id);
    const level = store.stock.level(item.branch?.id)?.threshold.value ?? item.medicine.reorder_level ?? null;
    const width = Math.max(300, element.clientWidth);
    const drawn = `${width} ${points.length} ${points.at(-1)?.at} ${level} ${Math.floor(Date.now() / REDRAW_MS)}`;
    if (element.dataset.drawn === drawn) return;
    element.dataset.drawn = drawn;
    element.lastElementChild?.replaceChildren(stockChart(points, level, Date.now(), width));
  }
}
