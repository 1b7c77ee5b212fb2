// The proof of an alert: what was known, by which commit, against which limit; and what happened to it since.

import { fill, h, when } from './dom.js';
import { t } from './language.js';
import { store, words } from './store.js';
import { capital, fact, historyName, limit, moment, plainly, sourceName } from './words.js';

/** @import {Alert, Facts, HistoryLine} from '../client/types.d.ts' */

export class WhyPanel {
  element = h('div', { class: 'why', 'data-testid': 'why', hidden: true });
  /** @type {Alert | undefined} */ #alert;
  /** @type {HistoryLine[] | undefined} */ #history;
  #problem = '';
  #asked = '';

  /** Opens or closes it, and tells which. */
  toggle() {
    this.element.hidden = !this.element.hidden;
    if (!this.element.hidden) this.#refresh();
    return !this.element.hidden;
  }

  /** @param {Alert} alert */
  show(alert) {
    this.#alert = alert;
    if (!this.element.hidden) this.#refresh();
  }

  #refresh() {
    const alert = this.#alert;
    if (!alert) return;
    const version = `${alert.id} ${alert.version}`;
    if (this.#asked !== version) {
      this.#asked = version;
      void this.#load(alert.id, version);
      this.#paint(alert);
    }
  }

  /** @param {string} id @param {string} version */
  async #load(id, version) {
    try {
      const found = await store.alerts.detail(id);
      if (this.#asked !== version) return;
      this.#history = found?.history;
      this.#problem = '';
    } catch (error) {
      if (this.#asked !== version) return;
      this.#problem = words(error);
      this.#asked = ''; // the next look asks again
    }
    if (this.#alert) this.#paint(this.#alert);
  }

  /** @param {Alert} alert */
  #paint(alert) {
    const { threshold, why } = alert;
    fill(
      this.element,
      h('div', { class: 'why-part' }, h('h5', null, t('What was known')), facts({ ...alert.values, ...why.inputs })),
      h('div', { class: 'why-part' },
        h('h5', null, t('Judged by')),
        h('dl', { class: 'facts' },
          ...pair(t('Limit'), threshold ? h('span', { 'data-testid': 'why-threshold' }, `${limit(alert.kind, threshold.value)}, ${sourceName(threshold.source)}`) : t('none: this is wrong by itself')),
          ...pair(t('Rule'), alert.rule),
          ...pair(t('Commit'), h('code', { 'data-testid': 'why-lsn' }, why.lsn)),
          ...pair(t('Committed'), h('time', { datetime: why.committed_at, 'data-testid': 'why-committed', 'data-exact': true, title: why.committed_at }, moment(why.committed_at))),
          ...pair(t('Alert'), h('span', null, t('version {version}, episode {episode}', { version: alert.version, episode: alert.episode }))))),
      h('div', { class: 'why-part' }, h('h5', null, t('What happened')), this.#story()),
    );
  }

  #story() {
    if (this.#problem) return h('p', { class: 'problem' }, `${t('The history could not be loaded.')} ${this.#problem}`);
    if (!this.#history) return h('p', { class: 'meta' }, t('Loading\u2026'));
    return h('ol', { class: 'story', 'data-testid': 'history' }, ...this.#history.map((line) =>
      h('li', { 'data-severity': line.severity }, h('strong', null, historyName(line.event)), line.by ? ` ${t('by {name}', { name: line.by })}` : '', line.note ? ` \u201c${line.note}\u201d` : '', ' ', when(line.at))));
  }
}

/** @param {string} name @param {string | Node} value */
const pair = (name, value) => [h('dt', null, name), h('dd', null, value)];

/** @param {Facts} all */
function facts(all) {
  const known = Object.entries(all).sort(([a], [b]) => a.localeCompare(b));
  return h('dl', { class: 'facts', 'data-testid': 'why-inputs' }, ...known.flatMap(([k, v]) => pair(capital(plainly(k)), h('span', { 'data-input': k }, fact(v)))));
}
