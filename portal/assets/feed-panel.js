// What just happened in the pharmacy, newest first. Events of one transaction stand together under one time.

import { follow, h, say, set, when } from './dom.js';
import { t } from './language.js';
import { store } from './store.js';
import { sentence } from './words.js';

/** @import {Envelope} from '../client/types.d.ts' */

const SHOWN = 50;
const TOPICS = /** @type {const} */ ([['', t('All')], ['notifications', t('Alerts')], ['inventory', t('Stock')], ['sales', t('Sales')], ['prescriptions', t('Prescriptions')], ['patients', t('Patients')]]);

export class FeedPanel extends HTMLElement {
  #topic = '';
  /** @type {Envelope[] | undefined} What is shown while paused. */ #held;
  #filters = h('div', { class: 'chips', role: 'group', 'aria-label': t('Show one topic') });
  #pause = h('button', { type: 'button', class: 'act', 'data-testid': 'feed-pause', 'aria-pressed': 'false', onclick: () => this.#toggle() }, t('Pause'));
  #list = h('ol', { class: 'events', 'data-testid': 'feed', 'aria-label': t('Events, newest first') });
  #empty = h('p', { class: 'empty' });

  connectedCallback() {
    this.append(h('header', { class: 'panel-head' }, h('h2', { id: 'feed-title' }, t('Live feed')), this.#pause), this.#filters, this.#list, this.#empty);
    store.read(['feed', 'tenant', 'link'], () => this.#paint());
  }

  #toggle() {
    this.#held = this.#held ? undefined : [...store.feed];
    set(this.#pause, { 'aria-pressed': String(Boolean(this.#held)) });
    store.touch('feed');
  }

  #paint() {
    follow(this.#filters, [...TOPICS], ([t]) => t, ([t, name]) => h('button', { type: 'button', class: 'chip', 'data-testid': `feed-${t || 'all'}`, onclick: () => this.#filter(t) }, name),
      (el, [t]) => set(el, { 'aria-pressed': String(this.#topic === t) }));
    const all = this.#held ?? store.feed;
    const events = all.filter((e, i) => (!this.#topic || e.topic === this.#topic) && store.shows(e.branch) && !saidBetter(all, i)).slice(0, SHOWN);
    const newest = this.#held?.[0]?.id;
    const waiting = this.#held ? (newest ? store.feed.findIndex((e) => e.id === newest) : store.feed.length) : 0;
    say(this.#pause, !this.#held ? t('Pause') : waiting > 0 ? t('Resume ({n} new)', { n: waiting }) : t('Resume'));
    follow(this.#list, events, (e) => e.id, (e) => this.#row(e), (el, e) => {
      const above = events[events.indexOf(e) - 1];
      el.classList.toggle('same', above?.xid === e.xid);
    });
    set(this.#empty, { hidden: events.length > 0 });
    say(this.#empty, store.link.state === 'live' ? t('Nothing has changed since this page was opened.') : t('No events yet.'));
  }

  /** @param {string} topic */
  #filter(topic) {
    this.#topic = topic;
    store.touch('feed');
  }

  /** @param {Envelope} event */
  #row(event) {
    return h('li', { class: `event ${event.type.startsWith('lot_') ? 'lot' : ''}`, 'data-testid': 'event', 'data-type': event.type, 'data-severity': event.topic === 'notifications' ? event.data.severity : null },
      when(event.at, true),
      h('span', { class: 'what' }, ...sentence(event, store.foreign).map((part) => (typeof part === 'string' ? part : h('b', null, part[0])))),
      h('span', { class: 'where' }, store.branchName(event.branch)));
  }
}

/** A sale opened and completed at one stroke is one piece of news. @param {Envelope[]} all @param {number} at */
function saidBetter(all, at) {
  const event = all[at];
  if (event?.type !== 'sale_created') return false;
  for (let i = at - 1; i >= 0 && all[i]?.xid === event.xid; i--) if (all[i]?.data.id === event.data.id && all[i]?.type === 'sale_completed') return true;
  return false;
}
