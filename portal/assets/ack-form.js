// The short form behind "Acknowledge": a note for colleagues and who writes it. Both may stay empty.

import { h } from './dom.js';
import { remember, remembered } from './kept.js';
import { t } from './language.js';

const NAME = 'rxvigil.name';

export class AckForm {
  #note = h('input', { type: 'text', 'data-testid': 'ack-note', maxlength: 500, placeholder: t('Note for your colleagues (optional)'), 'aria-label': t('Note for your colleagues (optional)'), autocomplete: 'off' });
  #by = h('input', { type: 'text', 'data-testid': 'ack-by', maxlength: 80, placeholder: t('Your name'), 'aria-label': t('Your name'), autocomplete: 'name', class: 'by' });
  element;

  /** @param {(body: {note?: string, by?: string}) => void} send */
  constructor(send) {
    this.element = h('form', {
      class: 'ack-form', 'data-testid': 'ack-form', hidden: true,
      onsubmit: (/** @type {Event} */ e) => {
        e.preventDefault();
        const by = this.#by.value.trim();
        remember(NAME, by);
        send({ ...(this.#note.value.trim() && { note: this.#note.value.trim() }), ...(by && { by }) });
        this.close();
      },
      onkeydown: (/** @type {KeyboardEvent} */ e) => e.key === 'Escape' && (e.stopPropagation(), this.close()),
    }, this.#note, this.#by,
    h('button', { type: 'submit', class: 'act primary', 'data-testid': 'ack-confirm' }, t('Acknowledge')),
    h('button', { type: 'button', class: 'act', onclick: () => this.close() }, t('Cancel')));
  }

  /** Who acts on this machine, as far as they told. */
  static name() {
    return remembered(NAME) || undefined;
  }

  open() {
    this.#by.value = AckForm.name() ?? '';
    this.element.hidden = false;
    this.#note.focus();
  }

  close() {
    if (this.element.hidden) return;
    const held = this.element.contains(document.activeElement);
    this.element.hidden = true;
    this.#note.value = '';
    const card = this.element.closest('rx-alert');
    if (held && card instanceof HTMLElement) card.focus(); // its button may be gone: the card stays
  }
}
