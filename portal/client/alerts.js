// The open alerts of a tenant: a list read once, joined with what the stream tells of them.

import { isAfter } from './cursor.js';
import { rest } from './rest.js';

/**
 * @import {Alert, Envelope, Options, Page, Severity} from './types.d.ts'
 * @import {Live} from './live.js'
 */

/** The states of an alert that is not over. */
export const OPEN = new Set(['firing', 'acknowledged', 'snoozed']);
/** @type {Record<Severity, number>} */
export const RANK = { critical: 4, high: 3, warning: 2, info: 1 };
const AGAIN_MS = 5_000;

/** A set that is whole once `loaded`, and true as long as its connection is live. */
export class Alerts {
  /** @type {Map<string, {alert: Alert, cursor: string}>} */
  #all = new Map();
  /** @type {Set<() => void>} */
  #watchers = new Set();
  /** @type {readonly Alert[] | undefined} */
  #list;
  #live;
  #branch;
  #read;
  #reading = 0;
  /** Whether the list was read. */
  loaded = false;
  /** Why it could not be read, in words; empty when it was. */
  problem = '';

  /**
   * @param {Live & { readAlerts?: () => Promise<Page<Alert>> }} live
   * @param {Options} options
   */
  constructor(live, options) {
    this.#live = live;
    this.#branch = options.branch;
    this.#read = live.readAlerts?.bind(live) ?? (() => rest(options).alerts({ branch: options.branch }));
    live.on('event', (event) => this.#take(event));
    live.on('resync', () => void this.load());
    void this.load();
  }

  /** The worst first, then the newest. The same array until something changes. @returns {readonly Alert[]} */
  get list() {
    this.#list ??= [...this.#all.values()]
      .map(({ alert }) => alert)
      .filter((a) => OPEN.has(a.status) && (!this.#branch || !a.branch || a.branch === this.#branch))
      .sort((a, b) => RANK[b.severity] - RANK[a.severity] || b.started_at.localeCompare(a.started_at) || a.id.localeCompare(b.id));
    return this.#list;
  }

  /** Calls after every change. Returns how to stop. @param {() => void} watcher */
  watch(watcher) {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /** Reads the list anew, as long as it takes. @returns {Promise<void>} */
  async load() {
    const mine = ++this.#reading;
    try {
      const page = await this.#read();
      if (mine !== this.#reading) return;
      const listed = new Set(page.items.map((a) => a.id));
      for (const [id, { cursor }] of this.#all) if (!listed.has(id) && !(cursor && isAfter(cursor, page.cursor))) this.#all.delete(id);
      for (const alert of page.items) this.#merge(alert, '');
      this.loaded = true;
      this.problem = '';
    } catch (error) {
      if (mine !== this.#reading) return;
      this.problem = error instanceof Error ? error.message : String(error);
      if (this.#live.state !== 'closed') setTimeout(() => mine === this.#reading && this.#live.state !== 'closed' && void this.load(), AGAIN_MS);
    }
    this.#changed();
  }

  /** @param {Envelope} event */
  #take(event) {
    if (event.topic !== 'notifications' || !event.type.startsWith('alert_')) return;
    this.#merge(/** @type {Alert} */ (event.data), event.id);
    this.#changed();
  }

  /** Ended ones stay, unlisted, until the next reading: an older list must not bring them back. @param {Alert} alert @param {string} cursor */
  #merge(alert, cursor) {
    const known = this.#all.get(alert.id);
    if (!known || alert.version >= known.alert.version) this.#all.set(alert.id, { alert, cursor: cursor || (known?.cursor ?? '') });
  }

  #changed() {
    this.#list = undefined;
    for (const watcher of this.#watchers) watcher();
  }
}
