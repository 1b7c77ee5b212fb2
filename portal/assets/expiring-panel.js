// Lots that expire within thirty days, the most urgent first.

import { follow, h, say, set } from './dom.js';
import { store } from './store.js';
import { date, daysLeft, plural, quantity } from './words.js';

/** @import {ExpiringItem} from '../client/types.d.ts' */

const SHOWN_AT_FIRST = 12;

export class ExpiringPanel extends HTMLElement {
  #whole = false;
  #count = h('span', { class: 'n', 'data-testid': 'expiring-count' });
  #list = h('ul', { class: 'rows', 'data-testid': 'expiring' });
  #empty = h('p', { class: 'empty' });
  #more = h('button', { type: 'button', class: 'more', hidden: true, onclick: () => this.#showAll() });

  connectedCallback() {
    this.append(h('header', { class: 'panel-head' }, h('h2', { id: 'expiring-title' }, 'Expiring soon'), this.#count), this.#list, this.#more, this.#empty);
    store.read(['expiring', 'tenant'], () => this.#paint());
  }

  #showAll() {
    this.#whole = true;
    store.touch('expiring');
  }

  #paint() {
    const items = store.expiring.filter((i) => store.shows(i.branch?.id)).sort((a, b) => a.days - b.days);
    const shown = this.#whole ? items : items.slice(0, SHOWN_AT_FIRST);
    say(this.#count, items.length ? plural(items.length, 'lot') : '');
    follow(this.#list, shown, (i) => i.lot.id, (i) => this.#row(i), (el, i) => this.#fill(el, i));
    set(this.#more, { hidden: shown.length === items.length });
    say(this.#more, `Show ${items.length - shown.length} more`);
    set(this.#empty, { hidden: items.length > 0 && !store.problems.expiring });
    say(this.#empty, store.problems.expiring ? `This list could not be loaded. ${store.problems.expiring}` : 'No lot expires within 30 days.');
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
    say(small, [`lot ${lot.number ?? lot.id}`, branch?.name, date(lot.expires)].filter(Boolean).join(' \u00b7 '));
    say(left, daysLeft(days));
    say(on, `${quantity(lot.on_hand)} on hand`);
  }
}
