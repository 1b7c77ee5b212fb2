// Which pharmacy, which branch, and how true this page is.

import { h, follow, say, set } from './dom.js';
import { StatusPill } from './status-pill.js';
import { remember, store } from './store.js';

export class TopBar extends HTMLElement {
  #tenant = h('select', { 'aria-label': 'Pharmacy', 'data-testid': 'tenant', onchange: () => store.choose(this.#tenant.value) });
  #branch = h('select', { 'aria-label': 'Branch', 'data-testid': 'branch', onchange: () => store.look(this.#branch.value) });
  #theme = h('button', { type: 'button', class: 'quiet theme', 'data-testid': 'theme', onclick: () => this.#flip() }, h('i', { class: 'half', 'aria-hidden': 'true' }));

  connectedCallback() {
    const help = h('button', { type: 'button', class: 'quiet keys', 'data-testid': 'help', title: 'Keyboard (?)', onclick: () => document.dispatchEvent(new CustomEvent('rx-help')) }, 'Keys');
    // The name stands in the page itself, so that the first paint has something to show.
    this.append(this.#tenant, this.#branch, h('span', { class: 'spring' }), new StatusPill().element, h('a', { href: '/report' }, 'Report'), this.#theme, help);
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
    follow(this.#branch, [{ id: '', name: 'All branches' }, ...branches], (b) => `${tenant?.id} ${b.id}`, (b) => h('option', { value: b.id }), (el, b) => say(el, b.name || b.id));
    this.#branch.value = store.branch;
    set(this.#branch, { hidden: branches.length < 2 });
  }

  #flip() {
    const next = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
    document.documentElement.dataset.theme = next;
    remember('rxvigil.theme', next);
  }

  #label() {
    const words = `Switch to ${document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark'} colours`;
    set(this.#theme, { 'aria-label': words, title: words });
  }
}
