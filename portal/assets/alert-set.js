// The open alerts as a set, and what people did to them. An act is shown as under way until the engine has read it back from
// the WAL; nothing is shown as done because a button was pressed.

import { alertIsAbout } from './about.js';
import { t } from './language.js';
import { OPEN, RANK } from '../client/alerts.js';
import { isAfter, RequestError } from '../client/rxvigil.js';

/**
 * @import {rest} from '../client/rxvigil.js'
 * @import {Act, Alert, Envelope, Severity} from '../client/types.d.ts'
 *
 * @typedef {object} View
 * @property {Alert} alert
 * @property {string} cursor  The event it was last changed by; empty when it came in a list.
 * @property {string} [doing]  What was asked and is not yet confirmed, in words.
 * @property {string} [problem]  What went wrong with the last act, in words.
 * @property {number} [gone]  When it was resolved, in ms: it lingers a moment, so that nobody wonders where it went.
 * @property {string} [was]  Its status before it was resolved: it fades where it stood.
 * @property {number} [fresh]  When it was raised before our eyes.
 */

const LINGER_MS = 6_000;
const CONFIRM_MS = 12_000;

export class AlertSet {
  /** @type {Map<string, View>} */ views = new Map();
  branch = '';
  /** Of one medicine alone; empty: of all. */ about = '';
  loaded = false;
  problem = '';
  /** @type {Map<string, number>} Versions of those that ended, so that an older list cannot bring them back. */ #ended = new Map();
  /** @type {((alert: Alert) => void) | undefined} */ onCritical;
  #touch;
  /** @type {ReturnType<typeof rest> | undefined} */ #api;
  /** @type {{lang?: string}} */ #query = {};

  /** @param {(part: 'alerts') => void} touch */
  constructor(touch) {
    this.#touch = touch;
  }

  /** Turns to another pharmacy. @param {ReturnType<typeof rest>} api @param {string} lang In which sentences are wanted; empty: in the pharmacy's own. */
  turn(api, lang) {
    this.#api = api;
    this.#query = lang ? { lang } : {};
    this.views.clear();
    this.#ended.clear();
    this.loaded = false;
    this.problem = '';
    this.#touch('alerts');
  }

  /** Those of the branch looked at: the worst first, then the newest. */
  list() {
    return [...this.views.values()]
      .filter(({ alert }) => (!this.branch || !alert.branch || alert.branch === this.branch) && (!this.about || alertIsAbout(alert, this.about)))
      .sort((a, b) => RANK[b.alert.severity] - RANK[a.alert.severity] || b.alert.started_at.localeCompare(a.alert.started_at) || a.alert.id.localeCompare(b.alert.id));
  }

  /** How many wait for somebody, by severity; acknowledged and snoozed ones are in hand. @returns {Record<Severity | 'handled', number>} */
  counts() {
    const counts = { critical: 0, high: 0, warning: 0, info: 0, handled: 0 };
    for (const { alert, gone } of this.list()) {
      if (gone) continue;
      if (alert.status === 'firing') counts[alert.severity]++;
      else counts.handled++;
    }
    return counts;
  }

  /** Reads the whole set anew and joins it with what the stream told meanwhile. */
  async load() {
    const api = this.#api;
    if (!api) return;
    try {
      const page = await api.alerts(this.#query);
      if (api !== this.#api) return;
      const listed = new Set(page.items.map((a) => a.id));
      for (const alert of page.items) this.#merge(alert, '');
      for (const view of this.views.values()) {
        if (!listed.has(view.alert.id) && !(view.cursor && isAfter(view.cursor, page.cursor))) this.#end(view);
      }
      this.problem = '';
      this.loaded = true;
    } catch (error) {
      if (api !== this.#api) return;
      this.problem = error instanceof RequestError ? error.message : String(error);
    }
    this.#touch('alerts');
  }

  /** @param {Envelope} event */
  apply(event) {
    const alert = /** @type {Alert} */ (event.data);
    const known = this.views.get(alert.id);
    this.#merge(alert, event.id);
    const view = this.views.get(alert.id);
    const worse = known && RANK[alert.severity] > RANK[known.alert.severity];
    if (view && !view.gone && alert.status === 'firing' && (event.type === 'alert_raised' || worse)) {
      view.fresh = Date.now();
      if (alert.severity === 'critical' && (!this.branch || !alert.branch || alert.branch === this.branch)) this.onCritical?.(alert);
    }
    this.#touch('alerts');
  }

  /** @param {string} id @param {{note?: string, by?: string}} body */
  acknowledge(id, body) {
    return this.#act(id, t('Acknowledging'), (api) => api.acknowledge(id, body));
  }

  /** @param {string} id @param {{for?: string, until?: string, by?: string}} body */
  snooze(id, body) {
    return this.#act(id, t('Snoozing'), (api) => api.snooze(id, body));
  }

  /** @param {string} id @param {{by?: string}} body */
  unsnooze(id, body) {
    return this.#act(id, t('Ending the snooze'), (api) => api.unsnooze(id, body));
  }

  /** @param {string} id */
  async detail(id) {
    const api = this.#api;
    const found = await api?.alert(id, this.#query);
    if (found && api === this.#api) this.#merge(found.alert, '');
    return found;
  }

  /** @param {string} id @param {string} doing @param {(api: ReturnType<typeof rest>) => Promise<Act>} ask */
  async #act(id, doing, ask) {
    const api = this.#api;
    const view = this.views.get(id);
    if (!api || !view || view.doing) return;
    const { version } = view.alert;
    view.doing = `${doing}\u2026`;
    view.problem = undefined;
    this.#touch('alerts');
    try {
      const done = await ask(api);
      if (api !== this.#api) return;
      if (done.alert) this.#merge(done.alert, '');
      if (done.applied === false) view.problem = t('It was already over when the engine read this.');
      if (done.operation && view.alert.version === version) {
        view.doing = t('Handed in; waiting for the engine to read it back\u2026');
        setTimeout(() => void this.#settle(id, version), CONFIRM_MS);
      } else view.doing = undefined;
    } catch (error) {
      if (api !== this.#api) return;
      view.doing = undefined;
      view.problem = `${error instanceof RequestError ? error.message : String(error)} ${t('Nothing was changed as far as this page knows.')}`;
    }
    this.#touch('alerts');
  }

  /** Asks what became of an act that the stream did not confirm. @param {string} id @param {number} version */
  async #settle(id, version) {
    const view = this.views.get(id);
    if (!view?.doing || view.alert.version !== version) return;
    await this.detail(id).catch(() => undefined);
    view.doing = undefined;
    if (view.alert.version === version) view.problem = t('The engine has not confirmed this. It may still happen.');
    this.#touch('alerts');
  }

  /** @param {Alert} alert @param {string} cursor */
  #merge(alert, cursor) {
    const view = this.views.get(alert.id);
    const version = Math.max(view?.alert.version ?? 0, this.#ended.get(alert.id) ?? 0);
    if (alert.version < version || (this.#ended.has(alert.id) && alert.version === version)) return;
    if (!OPEN.has(alert.status)) {
      if (view) {
        view.was ??= view.alert.status;
        view.alert = alert;
        view.cursor = cursor || view.cursor;
        this.#end(view);
      }
      this.#ended.set(alert.id, alert.version);
      if (this.#ended.size > 500) for (const oldest of this.#ended.keys()) return void this.#ended.delete(oldest);
      return;
    }
    if (!view) this.views.set(alert.id, { alert, cursor });
    else {
      if (alert.version > view.alert.version) view.doing = undefined;
      view.alert = alert;
      view.cursor = cursor || view.cursor;
      view.gone = undefined;
      view.was = undefined;
    }
  }

  /** @param {View} view */
  #end(view) {
    if (view.gone) return;
    view.gone = Date.now();
    view.doing = undefined;
    setTimeout(() => {
      if (!view.gone || this.views.get(view.alert.id) !== view) return;
      this.views.delete(view.alert.id);
      this.#touch('alerts');
    }, LINGER_MS);
  }
}
