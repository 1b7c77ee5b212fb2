// The level at which a medicine is low in one branch: what it is, where it comes from, and a person's own in its place.

import { AckForm } from './ack-form.js';
import { h, say, set } from './dom.js';
import { t } from './language.js';
import { store } from './store.js';
import { quantity } from './words.js';

/** @import {Level} from '../client/types.d.ts' */

/** @type {Record<string, string>} */
const FROM = { override: t('set by hand'), app: t('from the app'), usage: t('from its use') };

export class LevelForm {
  #text = h('span');
  #value = h('input', { type: 'number', min: 0, step: 'any', required: true, 'aria-label': t('Low at or below'), 'data-testid': 'level-value' });
  #problem = h('span', { class: 'problem', role: 'alert' });
  #drop = h('button', { type: 'button', class: 'act', 'data-testid': 'level-drop', onclick: () => this.#send(null) }, t('Use the app\u2019s'));
  #form;
  #edit = h('button', { type: 'button', class: 'act', 'data-testid': 'level-edit', onclick: () => this.#open() }, t('Change'));
  #branch;
  element;

  /** @param {string} branch */
  constructor(branch) {
    this.#branch = branch;
    this.#form = h('form', {
      hidden: true,
      onsubmit: (/** @type {Event} */ e) => { e.preventDefault(); this.#send(Number(this.#value.value)); },
      onkeydown: (/** @type {KeyboardEvent} */ e) => e.key === 'Escape' && (e.stopPropagation(), this.#close()),
    }, this.#value, h('button', { type: 'submit', class: 'act primary', 'data-testid': 'level-save' }, t('Save')), this.#drop, h('button', { type: 'button', class: 'act', onclick: () => this.#close() }, t('Cancel')));
    this.element = h('div', { class: 'level', 'data-testid': 'level' }, this.#text, this.#edit, this.#form, this.#problem);
  }

  /** @param {Level | undefined} level */
  fill(level) {
    set(this.element, { hidden: !level });
    if (!level) return;
    const { value, source } = level.threshold;
    say(this.#text, typeof value === 'number' ? `${t('Low at {n}', { n: quantity(value) })}, ${FROM[source] ?? t('from the rules')}` : t('No level known'));
    set(this.#drop, { hidden: source !== 'override' });
    if (this.#form.hidden) this.#value.value = typeof value === 'number' ? String(value) : '';
  }

  #open() {
    this.#form.hidden = false;
    this.#edit.hidden = true;
    this.#value.select();
  }

  #close() {
    this.#form.hidden = true;
    this.#edit.hidden = false;
    say(this.#problem, '');
    this.#edit.focus();
  }

  /** @param {number | null} value */
  async #send(value) {
    try {
      await store.stock.setLevel(this.#branch, value, AckForm.name());
      this.#close();
    } catch (error) {
      say(this.#problem, error instanceof Error ? error.message : String(error));
    }
  }
}
