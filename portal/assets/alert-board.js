// The board: who needs a person now, by severity; then what is in hand. The counters above it are its filters.

import { AlertCard } from './alert-card.js';
import { follow, h, say, set } from './dom.js';
import { t } from './language.js';
import { store } from './store.js';
import { SEVERITIES, SEVERITY, spoken } from './words.js';

/**
 * @import {View} from './alert-set.js'
 * @typedef {{key: string, title: string, views: View[]}} Group
 */

const SHOWN_AT_FIRST = 40;
/** So many new cards a frame: more would hold it up. */
const NEW_A_FRAME = 6;

export class AlertBoard extends HTMLElement {
  #only = '';
  #room = NEW_A_FRAME;
  /** @type {Set<string>} Groups shown whole. */ #whole = new Set();
  /** @type {Map<string, AlertCard>} Cards keep their open why and their focus when they change groups. */ #cards = new Map();
  #counters = h('div', { class: 'counters', role: 'group', 'aria-label': t('Show alerts of one kind') });
  #groups = h('div', { class: 'groups' });
  #empty = h('p', { class: 'empty', 'data-testid': 'alerts-empty' });
  #problem = h('p', { class: 'problem', role: 'alert', hidden: true });

  connectedCallback() {
    this.append(h('h2', { id: 'alerts-title', class: 'unseen' }, t('Open alerts')), this.#counters, this.#problem, this.#groups, this.#empty);
    store.alerts.onCritical = (alert) => {
      const live = document.getElementById('critical');
      if (live) live.textContent = `${SEVERITY.critical}: ${spoken(alert.message)}`;
    };
    store.read(['alerts', 'link', 'tenant'], () => this.#paint());
  }

  #paint() {
    this.#room = NEW_A_FRAME;
    this.#paintCounters();
    set(this.#problem, { hidden: !store.alerts.problem });
    say(this.#problem, store.alerts.problem ? `${t('The alerts could not be loaded.')} ${store.alerts.problem}` : '');
    const groups = this.#grouped();
    const focused = document.activeElement;
    follow(this.#groups, groups, (g) => g.key, (g) => this.#group(g), (el, g) => this.#fill(el, g));
    if (focused instanceof HTMLElement && focused !== document.activeElement && this.contains(focused)) focused.focus({ preventScroll: true });
    for (const id of this.#cards.keys()) if (!store.alerts.views.has(id)) this.#cards.delete(id);
    const some = groups.length > 0;
    set(this.#empty, { hidden: some || Boolean(store.alerts.problem) });
    if (!store.alerts.loaded) say(this.#empty, t('Loading\u2026'));
    else if (this.#only) say(this.#empty, t('Nothing here.'));
    else say(this.#empty, t('Nothing needs you now.'));
    this.#empty.classList.toggle('calm', store.alerts.loaded);
  }

  #paintCounters() {
    const counts = store.alerts.counts();
    const shown = /** @type {const} */ ([...SEVERITIES.filter((s) => s !== 'info' || counts.info > 0), 'handled']);
    follow(
      this.#counters,
      shown,
      (s) => s,
      (s) => h('button', { type: 'button', class: `counter ${s}`, 'data-testid': `count-${s}`, onclick: () => this.#filter(s) }, h('strong', null), h('span', null, s === 'handled' ? t('In hand') : SEVERITY[s])),
      (el, s) => {
        set(el, { 'aria-pressed': String(this.#only === s), 'data-count': counts[s] });
        say(/** @type {Element} */ (el.firstElementChild), store.alerts.loaded ? String(counts[s]) : '\u2013');
      },
    );
  }

  /** @param {string} which */
  #filter(which) {
    this.#only = this.#only === which ? '' : which;
    store.touch('alerts');
  }

  /** @returns {Group[]} */
  #grouped() {
    /** @type {Map<string, View[]>} */
    const by = new Map();
    for (const view of store.alerts.list()) {
      const status = view.was ?? view.alert.status;
      const key = status === 'firing' ? view.alert.severity : status;
      if (this.#only && this.#only !== (key === 'acknowledged' || key === 'snoozed' ? 'handled' : key)) continue;
      by.set(key, [...(by.get(key) ?? []), view]);
    }
    return [...SEVERITIES, 'acknowledged', 'snoozed'].flatMap((key) => {
      const views = by.get(key);
      return views ? [{ key, title: key === 'acknowledged' ? t('Acknowledged') : key === 'snoozed' ? t('Snoozed') : SEVERITY[/** @type {'info'} */ (key)], views }] : [];
    });
  }

  /** @param {Group} group */
  #group(group) {
    return h('section', { class: `group ${group.key}`, 'data-testid': `group-${group.key}`, 'aria-label': group.title },
      h('h3', null, h('span', null), h('span', { class: 'n' })), h('div', { class: 'cards' }), h('button', { type: 'button', class: 'more', onclick: () => this.#showAll(group.key) }));
  }

  /** @param {string} id */
  #card(id) {
    const card = this.#cards.get(id) ?? new AlertCard();
    this.#cards.set(id, card);
    return card;
  }

  /** @param {string} key */
  #showAll(key) {
    this.#whole.add(key);
    store.touch('alerts');
  }

  /** @param {HTMLElement} element @param {Group} group */
  #fill(element, { key, title, views }) {
    const [head, cards, more] = /** @type {[Element, Element, Element]} */ (/** @type {unknown} */ ([...element.children]));
    say(/** @type {Element} */ (head.firstElementChild), title);
    say(/** @type {Element} */ (head.lastElementChild), String(views.filter((v) => !v.gone).length));
    const shown = this.#whole.has(key) ? views : views.slice(0, SHOWN_AT_FIRST);
    const ready = shown.filter((v) => this.#cards.has(v.alert.id) || this.#room-- > 0);
    if (ready.length < shown.length) store.touch('alerts');
    follow(cards, ready, (v) => v.alert.id, (v) => this.#card(v.alert.id), (card, view) => card.show(view));
    set(more, { hidden: shown.length === views.length });
    say(more, t('Show {n} more', { n: views.length - shown.length }));
  }
}
