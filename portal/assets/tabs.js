// On a narrow screen one part is shown at a time; these are the ways between them.

import { follow, h, say, set } from './dom.js';
import { store } from './store.js';

const VIEWS = /** @type {const} */ ([['alerts', 'Alerts'], ['stock', 'Stock'], ['expiring', 'Expiring'], ['feed', 'Feed']]);

export class Tabs extends HTMLElement {
  #view = 'alerts';

  connectedCallback() {
    set(this, { role: 'navigation', 'aria-label': 'Parts of this page' });
    document.addEventListener('rx-view', (e) => {
      if (!(e instanceof CustomEvent)) return;
      this.#show(e.detail);
      document.getElementById(e.detail)?.scrollIntoView({ block: 'nearest' });
    });
    store.read(['alerts', 'expiring'], () => this.#paint());
  }

  /** @param {string} view */
  #show(view) {
    this.#view = view;
    const main = document.getElementById('main');
    if (main) main.dataset.view = view;
    this.#paint();
  }

  #paint() {
    const { critical, high, warning, info } = store.alerts.counts();
    const counts = { alerts: critical + high + warning + info, expiring: store.expiring.length };
    follow(this, [...VIEWS], ([id]) => id, ([id, name]) => h('button', { type: 'button', 'data-testid': `tab-${id}`, onclick: () => this.#show(id) }, h('span', null, name), h('span', { class: 'n' })), (el, [id]) => {
      set(el, { 'aria-current': this.#view === id ? 'page' : null, 'data-critical': id === 'alerts' && critical > 0 });
      say(/** @type {Element} */ (el.lastElementChild), String((id in counts && counts[/** @type {'alerts'} */ (id)]) || ''));
    });
  }
}
