// Which pharmacy, which branch, and how true this page is.

import { h, follow, say, set } from './dom.js';
import { remember } from './kept.js';
import { choose, language, LANGUAGES, t } from './language.js';
import { StatusPill } from './status-pill.js';
import { store } from './store.js';

export class TopBar extends HTMLElement {
  #tenant = h('select', { 'aria-label': t('Pharmacy'), 'data-testid': 'tenant', onchange: () => store.choose(this.#tenant.value) });
  #branch = h('select', { 'aria-label': t('Branch'), 'data-testid': 'branch', onchange: () => store.look(this.#branch.value) });
  #language = h('select', { 'aria-label': t('Language'), 'data-testid': 'language', class: 'language', onchange: () => choose(this.#language.value) },
    ...Object.entries(LANGUAGES).map(([id, name]) => h('option', { value: id, lang: id, selected: id === language }, name)));
  #theme = h('button', { type: 'button', class: 'quiet theme', 'data-testid': 'theme', onclick: () => this.#flip() }, h('i', { class: 'half', 'aria-hidden': 'true' }));

  connectedCallback() {
    const help = h('button', { type: 'button', class: 'quiet keys', 'data-testid': 'help', title: t('Keyboard (?)'), onclick: () => document.dispatchEvent(new CustomEvent('rx-help')) }, t('Keys'));
    // The name stands in the page itself, so that the first paint has something to show.
    this.append(this.#tenant, this.#branch, h('span', { class: 'spring' }), new StatusPill().element, h('a', { href: '/report' }, t('Report')), h('a', { href: '/rules' }, t('Rules')), this.#language, this.#theme, help);
    store.read(['tenant'], () => this.#paint());
    new MutationObserver(() => this.#label()).observe(document.documentElement, { attributeFilter: ['data-theme'] });
    this.#label();
  }

  #paint() {
    const { tenant, tenants } = store;
    follow(this.#tenant, tenants, (t) => t.id, (t) => h('option', { value: t.id }), (el, t) => say(el, t.name || t.subdomain || t.id));
    this.#tenant.value = tenant?.id ?? '';
    set(this.#tenant, { disabled: tenants.length < 2 });
    const branches = tenant?.branches ?? [];
    follow(this.#branch, [{ id: '', name: t('All branches') }, ...branches], (b) => `${tenant?.id} ${b.id}`, (b) => h('option', { value: b.id }), (el, b) => say(el, b.name || b.id));
    this.#branch.value = store.branch;
    set(this.#branch, { hidden: branches.length < 2 });
  }

  #flip() {
    const next = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
    document.documentElement.dataset.theme = next;
    remember('rxvigil.theme', next);
  }

  #label() {
    const words = document.documentElement.dataset.theme === 'dark' ? t('Switch to light colours') : t('Switch to dark colours');
    set(this.#theme, { 'aria-label': words, title: words });
  }
}
