// Prescriptions of which something is still to be dispensed: who waits longest stands first. For whom they are not, there is no panel.

import { follow, h, retime, say, set, when } from './dom.js';
import { count, t } from './language.js';
import { store } from './store.js';
import { date, quantity } from './words.js';

/** @import {PrescriptionItem} from '../client/wire.d.ts' */

const SHOWN_AT_FIRST = 8;

export class WaitingPanel extends HTMLElement {
  #whole = false;
  #count = h('span', { class: 'n', 'data-testid': 'waiting-count' });
  #list = h('ul', { class: 'rows', 'data-testid': 'waiting' });
  #empty = h('p', { class: 'empty' });
  #more = h('button', { type: 'button', class: 'more', hidden: true, onclick: () => this.#showAll() });

  connectedCallback() {
    this.append(h('header', { class: 'panel-head' }, h('h2', { id: 'waiting-title' }, t('Prescriptions waiting')), this.#count), this.#list, this.#more, this.#empty);
    store.read(['waiting', 'tenant'], () => this.#paint());
  }

  #showAll() {
    this.#whole = true;
    store.touch('waiting');
  }

  #paint() {
    const { waiting, problems } = store;
    const items = (waiting ?? []).filter((p) => store.shows(p.branch?.id));
    const shown = this.#whole ? items : items.slice(0, SHOWN_AT_FIRST);
    if (this.parentElement) set(this.parentElement, { hidden: store.barred.has('waiting') || (!waiting && !problems.waiting) });
    say(this.#count, items.length ? String(items.length) : '');
    follow(this.#list, shown, (p) => p.id, () => this.#row(), (el, p) => this.#fill(el, p));
    set(this.#more, { hidden: shown.length === items.length });
    say(this.#more, t('Show {n} more', { n: items.length - shown.length }));
    set(this.#empty, { hidden: items.length > 0 && !problems.waiting });
    say(this.#empty, problems.waiting ? `${t('This list could not be loaded.')} ${problems.waiting}` : t('No prescription waits.'));
  }

  #row() {
    return h('li', { class: 'row', 'data-testid': 'waiting-prescription' },
      h('span', { class: 'row-text' }, h('b', null), h('small', null)), h('span', { class: 'row-figures' }, when('')));
  }

  /** @param {HTMLElement} element @param {PrescriptionItem} p */
  #fill(element, p) {
    const [text, figures] = /** @type {[Element, Element]} */ (/** @type {unknown} */ ([...element.children]));
    const [first] = p.lines;
    const wanted = first && p.lines.length === 1 ? `${quantity(left(first))} \u00d7 ${first.medicine.name}` : count(p.lines.length, '{n} medicine|{n} medicines');
    set(element, { 'data-status': p.status, 'data-prescription': p.id });
    say(/** @type {Element} */ (text.firstElementChild), t('Prescription {number}', { number: p.number }));
    say(/** @type {Element} */ (text.lastElementChild), [wanted, p.branch?.name, p.status === 'partial' && t('given in part'), typeof p.valid_until === 'string' && t('valid until {day}', { day: date(p.valid_until) })].filter(Boolean).join(' \u00b7 '));
    retime(/** @type {HTMLTimeElement} */ (figures.firstElementChild), p.since);
  }
}

/** @param {PrescriptionItem['lines'][number]} line */
const left = ({ quantity: n, dispensed }) => (n === null ? null : n - (dispensed ?? 0));
