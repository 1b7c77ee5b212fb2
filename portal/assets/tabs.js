// On a narrow screen one part is shown at a time; these are the ways between them.

import { follow, h, say, set } from './dom.js';
import { t } from './language.js';
import { store } from './store.js';

const VIEWS = /** @type {const} */ ([['alerts', t('Alerts')], ['stock', t('Stock')], ['expiring', t('Expiring')], ['waiting', t('Waiting')], ['feed', t('Feed')]]);

export class Tabs extends HTMLElement {
  #view = 'alerts';

  connectedCallback() {
    set(this, { role: 'navigation', 'aria-label': t('Parts of this page') });
    document.addEventListener('rx-view', (e) => {
      if (!(e instanceof CustomEvent)) return;
      this.#show(e.detail);
      document.getElementById(e.detail)?.scrollIntoView({ block: 'nearest' });
    });
    store.read(['alerts', 'expiring', 'waiting', 'stock'], () => this.#paint());
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
    const counts = { alerts: critical + high + warning + info, expiring: store.expiring.filter((i) => i.days <= 30 && store.shows(i.branch?.id)).length, waiting: store.waiting?.filter((p) => store.shows(p.branch?.id)).length ?? 0 };
    follow(this, VIEWS.filter(([id]) => !store.barred.has(id) && (id !== 'waiting' || store.waiting)), ([id]) => id, ([id, name]) => h('button', { type: 'button', 'data-testid': `tab-${id}`, onclick: () => this.#show(id) }, h('span', null, name), h('span', { class: 'n' })), (el, [id]) => {
      set(el, { 'aria-current': this.#view === id ? 'page' : null, 'data-critical': id === 'alerts' && critical > 0 });
      say(/** @type {Element} */ (el.lastElementChild), String((id in counts && counts[/** @type {'alerts'} */ (id)]) || ''));
    });
  }
}
