// One alert: what is wrong, where, the number that says how badly, its sentence, and what a person can do about it.

import { AckForm } from './ack-form.js';
import { h, retime, say, set, when } from './dom.js';
import { t } from './language.js';
import { store } from './store.js';
import { WhyPanel } from './why-panel.js';
import { ago, figure, heading, moment, spoken, subjectName } from './words.js';

/** @import {View} from './alert-set.js' */

const FRESH_MS = 8_000;
/** "Acknowledged 2 min ago" is said anew that often. */
const SHORT_MS = 20_000;

export class AlertCard extends HTMLElement {
  /** @type {View | undefined} */ view;
  #rung = h('span', { class: 'rung' });
  #where = h('span', { class: 'where' });
  #time = when('');
  #name = h('button', { type: 'button', class: 'name', 'data-testid': 'alert-name', title: t('Show its stock'), onclick: () => this.#showStock() });
  #lot = h('span', { class: 'lot' });
  #message = h('p', { class: 'message', 'data-testid': 'alert-message' });
  #meta = h('p', { class: 'meta', 'data-testid': 'alert-meta', hidden: true });
  #problem = h('p', { class: 'problem', role: 'alert', hidden: true });
  #figure = h('div', { class: 'figure', 'data-testid': 'alert-figure' }, h('strong', null), h('span', null), h('small', null));
  #ack = h('button', { type: 'button', class: 'act primary', 'data-testid': 'ack', onclick: () => this.acknowledge() }, t('Acknowledge'));
  #snooze = h('button', { type: 'button', class: 'act', 'data-testid': 'snooze', 'aria-expanded': 'false', onclick: () => this.#toggleSnooze() }, t('Snooze'));
  #why = h('button', { type: 'button', class: 'act', 'data-testid': 'why-toggle', 'aria-expanded': 'false', onclick: () => this.toggleWhy() }, t('Why'));
  #wake = h('button', { type: 'button', class: 'act', 'data-testid': 'unsnooze', hidden: true, onclick: () => this.#act((id, by) => store.alerts.unsnooze(id, { by })) }, t('End snooze'));
  #doing = h('span', { class: 'doing', 'data-testid': 'doing', role: 'status' });
  /** What stands behind its buttons, made when one is first pressed. @type {{times: HTMLElement, form: AckForm, panel: WhyPanel} | undefined} */ #more;

  connectedCallback() {
    if (this.firstChild) return;
    this.tabIndex = -1;
    set(this, { role: 'article', 'data-testid': 'alert' });
    this.append(
      h('div', { class: 'card-row' },
        h('div', { class: 'card-text' },
          h('p', { class: 'eyebrow' }, this.#rung, this.#where, this.#time),
          h('h4', null, this.#name, this.#lot), this.#message, this.#meta),
        this.#figure),
      h('div', { class: 'acts' }, this.#ack, this.#snooze, this.#wake, this.#why, this.#doing),
      this.#problem,
    );
  }

  #behind() {
    if (this.#more) return this.#more;
    const times = h('div', { class: 'snoozes', 'data-testid': 'snoozes', hidden: true },
      ...SNOOZES.map((s) => h('button', { type: 'button', class: 'act', 'data-testid': `snooze-${s.id}`, onclick: () => this.#snoozeFor(s) }, s.name)));
    const form = new AckForm((body) => this.view && store.alerts.acknowledge(this.view.alert.id, body));
    const panel = new WhyPanel();
    this.#problem.before(times);
    this.append(form.element, panel.element);
    if (this.view) panel.show(this.view.alert);
    this.#more = { times, form, panel };
    return this.#more;
  }

  /** What it shows, in short: a card of which nothing changed is left alone, for in a burst most are so. */
  #shown = '';

  /** @param {View} view */
  show(view) {
    this.connectedCallback();
    this.view = view;
    const short = [view.alert.version, view.alert.status, view.alert.message, view.gone, view.doing, view.problem, view.fresh && Date.now() - view.fresh < FRESH_MS, store.branchName(view.alert.branch), Math.floor(Date.now() / SHORT_MS)].join('|');
    if (short === this.#shown) return;
    this.#shown = short;
    const { alert, gone, doing, problem, fresh } = view;
    const resolved = Boolean(gone);
    set(this, {
      'data-alert-id': alert.id, 'data-kind': alert.kind, 'data-rung': alert.rung, 'data-severity': alert.severity, 'data-subject': alert.subject.id,
      'data-status': resolved ? 'resolved' : alert.status, 'aria-label': `${heading(alert)}: ${subjectName(alert)}`, 'aria-busy': doing ? 'true' : null,
    });
    this.classList.toggle('fresh', Boolean(fresh && Date.now() - fresh < FRESH_MS));
    say(this.#rung, resolved ? t('Resolved') : heading(alert));
    say(this.#where, store.branchName(alert.branch));
    retime(this.#time, resolved ? (alert.resolved_at ?? alert.changed_at) : alert.started_at);
    say(this.#name, subjectName(alert));
    set(this.#name, { disabled: !medicineOf(view) });
    say(this.#lot, alert.subject.lot ? t('lot {lot}', { lot: alert.subject.lot }) : '');
    say(this.#message, spoken(alert.message));
    this.#showFigure(view);
    const meta = resolved ? '' : aside(view);
    say(this.#meta, meta);
    set(this.#meta, { hidden: !meta });
    set(this.#problem, { hidden: !problem });
    say(this.#problem, problem ?? '');
    say(this.#doing, doing ?? '');
    set(this.#ack, { hidden: resolved || alert.status === 'acknowledged', disabled: Boolean(doing) });
    set(this.#snooze, { hidden: resolved || alert.status === 'snoozed', disabled: Boolean(doing) });
    set(this.#wake, { hidden: resolved || alert.status !== 'snoozed', disabled: Boolean(doing) });
    if (resolved || alert.status === 'acknowledged') this.#more?.form.close();
    this.#more?.panel.show(alert);
  }

  /** @param {View} view */
  #showFigure({ alert }) {
    const found = figure(alert);
    const [value, label, beside] = /** @type {[Element, Element, Element]} */ (/** @type {unknown} */ ([...this.#figure.children]));
    set(this.#figure, { hidden: !found });
    say(value, found?.value ?? '');
    say(label, found?.label ?? '');
    say(beside, found?.beside ?? '');
  }

  /** Opens the note, ready to send: pressing Enter acknowledges without one. */
  acknowledge() {
    if (this.#ack.hidden || this.#ack.disabled) return;
    const { times, form } = this.#behind();
    set(times, { hidden: true });
    form.open();
  }

  async toggleWhy() {
    const open = this.#behind().panel.toggle();
    set(this.#why, { 'aria-expanded': String(open) });
    if (open) this.scrollIntoView({ block: 'nearest' });
  }

  #toggleSnooze() {
    const { times } = this.#behind();
    const open = times.hidden;
    set(times, { hidden: !open });
    set(this.#snooze, { 'aria-expanded': String(open) });
    if (open) /** @type {HTMLElement | null} */ (times.firstElementChild)?.focus();
  }

  /** @param {(typeof SNOOZES)[number]} choice */
  #snoozeFor(choice) {
    this.#toggleSnooze();
    this.#act((id, by) => store.alerts.snooze(id, { ...choice.span(), by }));
  }

  /** @param {(id: string, by: string | undefined) => void} act */
  #act(act) {
    if (this.view) act(this.view.alert.id, AckForm.name());
  }

  #showStock() {
    const medicine = this.view && medicineOf(this.view);
    if (!medicine || !this.view) return;
    store.stock.open(medicine, this.view.alert.subject.name);
    document.dispatchEvent(new CustomEvent('rx-view', { detail: 'stock' }));
  }
}

const SNOOZES = [
  { id: '1h', name: t('1 hour'), span: () => ({ for: '1h' }) },
  { id: '4h', name: t('4 hours'), span: () => ({ for: '4h' }) },
  { id: 'tomorrow', name: t('Until tomorrow, 08:00'), span: () => ({ until: tomorrow() }) },
];

/** Eight in the morning of the next day, where the reader is. */
function tomorrow() {
  const at = new Date();
  at.setDate(at.getDate() + 1);
  at.setHours(8, 0, 0, 0);
  return at.toISOString();
}

/** @param {View} view */
function medicineOf({ alert: { subject } }) {
  return subject.type === 'medicine' ? subject.id : subject.type === 'lot' ? subject.medicine : undefined;
}

/** Who has it in hand. @param {View} view */
function aside({ alert }) {
  const by = alert.acknowledged_by ? t('Acknowledged by {name}', { name: alert.acknowledged_by }) : t('Acknowledged');
  const note = alert.note ? `: \u201c${alert.note}\u201d` : '';
  if (alert.status === 'acknowledged') return `${by} ${ago(alert.changed_at)}${note}`;
  if (alert.status === 'snoozed') return `${t('Snoozed until {time}', { time: alert.snoozed_until ? moment(alert.snoozed_until) : t('later') })}${note}`;
  return '';
}
