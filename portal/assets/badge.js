// The tab's title and icon say how things stand when the page itself is out of sight.

import { t } from './language.js';
import { claim } from './status-pill.js';
import { store } from './store.js';

export class Badge {
  start() {
    store.read(['alerts', 'link', 'tenant', 'tick'], () => this.#paint());
  }

  #paint() {
    const { critical, high, warning } = store.alerts.counts();
    const now = claim();
    const cut = now === 'offline' || now === 'stale';
    const counts = [critical && t('{n} critical', { n: critical }), high && t('{n} high', { n: high }), !critical && !high && warning && t('{n} warning', { n: warning })].filter(Boolean).join(', ');
    const title = `${cut ? `${t('Not live')} \u00b7 ` : ''}${counts ? `(${counts}) ` : ''}${store.tenant?.name ?? 'rxvigil'}`;
    if (document.title !== title) document.title = title;
    const icon = `/assets/icon${cut ? '-off' : critical ? '-critical' : high ? '-high' : warning ? '-warning' : ''}.svg`;
    const link = document.querySelector('link[rel=icon]');
    if (link && link.getAttribute('href') !== icon) link.setAttribute('href', icon);
  }
}
