// The page without a mouse.

import { AlertCard } from './alert-card.js';
import { h } from './dom.js';
import { t } from './language.js';

const KEYS = [
  ['/', t('Find a medicine')], ['j', t('Next alert')], ['k', t('Previous alert')], ['a', t('Acknowledge the alert')], ['Enter', t('Why, for the alert')], ['s', t('Stock of the alert\u2019s medicine')], ['Esc', t('Close what is open')], ['?', t('This list')],
];

export class HelpDialog extends HTMLElement {
  #dialog = h('dialog', { 'aria-labelledby': 'help-title', 'data-testid': 'help-dialog' },
    h('h2', { id: 'help-title' }, t('Keyboard')),
    h('dl', { class: 'keys-list' }, ...KEYS.flatMap(([key, what]) => [h('dt', null, h('kbd', null, key ?? '')), h('dd', null, what)])),
    h('form', { method: 'dialog' }, h('button', { class: 'act primary' }, t('Close'))));

  connectedCallback() {
    this.append(this.#dialog);
    document.addEventListener('rx-help', () => this.#dialog.open || this.#dialog.showModal());
  }
}

export function listenToKeys() {
  document.addEventListener('keydown', (event) => {
    const { target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || !(target instanceof HTMLElement)) return;
    if (target.closest('input, select, textarea, dialog')) return;
    const act = acts[event.key];
    // Enter on a button is that button's own.
    if (!act || (event.key === 'Enter' && !(target instanceof AlertCard))) return;
    event.preventDefault();
    act();
  });
}

/** @type {Record<string, () => void>} */
const acts = {
  '/': () => {
    document.dispatchEvent(new CustomEvent('rx-view', { detail: 'stock' }));
    const search = document.getElementById('search');
    if (search instanceof HTMLInputElement) search.focus(), search.select();
  },
  '?': () => void document.dispatchEvent(new CustomEvent('rx-help')),
  j: () => step(1),
  k: () => step(-1),
  a: () => current()?.acknowledge(),
  s: () => current()?.querySelector('button')?.click(),
  Enter: () => void current()?.toggleWhy(),
};

function current() {
  const card = document.activeElement?.closest('rx-alert');
  return card instanceof AlertCard ? card : undefined;
}

/** @param {number} by */
function step(by) {
  document.dispatchEvent(new CustomEvent('rx-view', { detail: 'alerts' }));
  const cards = [...document.querySelectorAll('rx-alert')];
  const at = cards.findIndex((c) => c === current());
  const next = cards[at < 0 ? (by > 0 ? 0 : cards.length - 1) : Math.min(cards.length - 1, Math.max(0, at + by))];
  if (!(next instanceof HTMLElement)) return;
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: 'nearest' });
}
