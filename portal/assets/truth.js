// A line across the page whenever it may not be true: since when, why, and what is being done about it.

import { h, say, set } from './dom.js';
import { t } from './language.js';
import { claim } from './status-pill.js';
import { store } from './store.js';
import { clock, moment } from './words.js';

/** A restart that lasts a blink is not worth a banner. */
const PATIENCE_MS = 700;

export class Truth extends HTMLElement {
  #text = h('span', null);
  #now = h('button', { type: 'button', class: 'act', 'data-testid': 'retry', onclick: () => store.live?.verify() }, t('Try now'));
  #since = 0;

  connectedCallback() {
    set(this, { 'data-testid': 'truth', hidden: true });
    this.append(this.#text, this.#now);
    store.read(['link', 'stats', 'tick', 'tenant'], () => this.#paint());
  }

  #paint() {
    const now = claim();
    const well = now === 'live' && !store.problems.tenant;
    if (well) this.#since = 0;
    else this.#since ||= Date.now();
    const shown = !well && Date.now() - this.#since > PATIENCE_MS;
    set(this, { hidden: !shown, 'data-state': now });
    if (!shown) return;
    set(this.#now, { hidden: now !== 'offline' || !store.live });
    // The line is read out when it changes, so it holds no running seconds.
    say(this.#text, `${words(now)} ${store.trueAt ? t('What you see is from {time}.', { time: clock(new Date(store.trueAt).toISOString()) }) : ''}`);
  }
}

/** @param {ReturnType<typeof claim>} now */
function words(now) {
  if (store.problems.tenant) return store.problems.tenant;
  switch (now) {
    case 'stale':
      return store.link.since ? t('The engine cannot see the database since {time}.', { time: moment(store.link.since) }) : t('The engine cannot see the database.');
    case 'waiting':
      return t('The engine has been silent for longer than it should.');
    case 'catching-up':
      return t('Catching up with what was missed.');
    case 'offline':
    case 'connecting':
      return store.trueAt ? t('Not connected; trying again by itself.') : now === 'offline' ? `${store.link.reason} ${t('Trying again by itself.')}` : t('Connecting.');
    default:
      return '';
  }
}
