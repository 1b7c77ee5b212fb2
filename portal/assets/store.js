// What the page knows about one tenant, kept true by the stream. Elements read it and are told, once a frame, which part moved.
// Rule for joining pictures and news: a list carries the cursor it was read at; an event after it is news, one before it is
// already in the list; an alert's version decides where there is no order.

import { connect, isAfter, rest, RequestError, tenants } from '../client/rxvigil.js';
import { eventIsAbout } from './about.js';
import { AlertSet } from './alert-set.js';
import { remember, remembered } from './kept.js';
import { language, t } from './language.js';
import { StockBook } from './stock-book.js';

/**
 * @import {Envelope, ExpiringItem, Page, StateChange, Stats, TenantItem} from '../client/types.d.ts'
 * @import {PrescriptionItem} from '../client/wire.d.ts'
 * @typedef {'alerts' | 'feed' | 'stock' | 'expiring' | 'waiting' | 'link' | 'tenant' | 'stats' | 'tick'} Part
 */

const FEED_KEPT = 250;
const STATS_MS = 10_000;
const EXPIRING_MS = 10 * 60_000;
/** Kinds of alerts that say what to order. */
const URGENT = new Set(['low_stock', 'projected_stockout']);
/** So far ahead the expiry calendar looks. */
const AHEAD = '366d';

export class Store {
  /** The one medicine that this page is about; empty: all. */ about = '';
  /** @type {TenantItem[]} */ tenants = [];
  /** @type {TenantItem | undefined} */ tenant;
  /** The branch looked at; empty for all. */
  branch = '';
  /** @type {StateChange} */ link = { state: 'connecting', previous: 'connecting', reason: '' };
  /** When the page was last known to be true, in ms since 1970. */
  trueAt = 0;
  /** @type {{ms: number, at: number} | undefined} Commit to screen, by the browser's clock. */ latency;
  /** @type {Stats | undefined} */ stats;
  /** @type {Envelope[]} Newest first. */ feed = [];
  /** Lots that expire within a year, or have. @type {ExpiringItem[]} */ expiring = [];
  /** Prescriptions that wait; undefined until they are read. @type {PrescriptionItem[] | undefined} */ waiting;
  /** Parts that are not granted to this reader: they are not shown at all. @type {Set<Part>} */ barred = new Set();
  /** Why a part could not be loaded, in words. @type {Partial<Record<Part, string>>} */ problems = {};
  /** @type {ReturnType<typeof connect> | undefined} */ live;
  /** @type {ReturnType<typeof rest> | undefined} */ api;
  alerts = new AlertSet((part) => this.touch(part));
  stock = new StockBook((part) => this.touch(part));
  /** @type {Map<Part, Set<() => void>>} */ #readers = new Map();
  /** @type {Set<Part>} */ #dirty = new Set();
  /** @type {Record<string, ReturnType<typeof setTimeout>>} */ #soon = {};
  #scheduled = false;

  #painted = { end: 0, took: 0 };

  /** Calls the reader now and whenever one of the parts moved. @param {Part[]} parts @param {() => void} reader */
  read(parts, reader) {
    for (const part of parts) this.#readers.set(part, (this.#readers.get(part) ?? new Set()).add(reader));
    reader();
  }

  /** @param {Part} part */
  touch(part) {
    this.#dirty.add(part);
    if (this.#scheduled) return;
    this.#scheduled = true;
    // A page that is hidden or covered gets no frames, yet its title still counts alerts.
    const paint = () => {
      clearTimeout(late);
      cancelAnimationFrame(frame);
      this.#paint();
    };
    let frame = 0;
    const late = setTimeout(paint, 200);
    // In a burst nobody reads every number: most of the time is left to what comes in.
    const rest = Math.max(0, this.#painted.end + 3 * this.#painted.took - performance.now());
    if (rest > 0) setTimeout(() => (frame = requestAnimationFrame(paint)), Math.min(rest, 150));
    else frame = requestAnimationFrame(paint);
  }

  #paint() {
    if (!this.#scheduled) return;
    this.#scheduled = false;
    const began = performance.now();
    const readers = new Set([...this.#dirty].flatMap((part) => [...(this.#readers.get(part) ?? [])]));
    this.#dirty.clear();
    for (const reader of readers) reader();
    const end = performance.now();
    this.#painted = { end, took: end - began };
  }

  async start() {
    setInterval(() => this.touch('tick'), 1000);
    setInterval(() => document.hidden || this.loadStats(), STATS_MS);
    setInterval(() => this.loadExpiring(), EXPIRING_MS);
    setInterval(() => this.loadWaiting(), EXPIRING_MS);
    document.addEventListener('visibilitychange', () => document.hidden || this.loadStats());
    await this.#findTenants();
  }

  async #findTenants() {
    try {
      this.tenants = await tenants();
    } catch (error) {
      if (/** @type {any} */ (error).status === 401) return location.assign('/login');
      this.problems.tenant = words(error);
      this.link = { state: 'offline', previous: 'connecting', reason: words(error) };
      this.touch('tenant');
      this.touch('link');
      setTimeout(() => void this.#findTenants(), 2000 + Math.random() * 3000);
      return;
    }
    delete this.problems.tenant;
    const asked = new URLSearchParams(location.search);
    const wanted = asked.get('tenant') ?? remembered('rxvigil.tenant');
    const found = this.tenants.find((t) => t.id === wanted || t.subdomain === wanted) ?? this.tenants[0];
    if (!found) {
      this.problems.tenant = t('The engine knows no pharmacy yet.');
      setTimeout(() => void this.#findTenants(), 5000);
    } else this.choose(found.id, asked.get('branch') ?? '');
    this.touch('tenant');
  }

  /** Turns to a tenant, leaving everything of the last one behind. @param {string} id @param {string} [branch] */
  choose(id, branch = '') {
    const tenant = this.tenants.find((t) => t.id === id);
    if (!tenant) return;
    this.live?.close();
    this.tenant = tenant;
    this.feed = this.about ? [] : recall(id);
    this.expiring = [];
    this.waiting = undefined;
    this.barred.clear();
    this.stats = undefined;
    this.latency = undefined;
    this.trueAt = 0;
    const name = tenant.subdomain || tenant.id;
    const api = rest({ tenant: name });
    this.api = api;
    this.alerts.turn(api, this.foreign ? language : '');
    this.stock.turn(api);
    remember('rxvigil.tenant', name);
    this.look(branch);
    // One stream for all tabs of whoever signed in last: a tab of somebody else before them has another name.
    const live = connect({ tenant: name, share: remembered('rxvigil.login') || true });
    this.live = live;
    live.on('state', (change) => this.#linked(change));
    live.on('event', (event) => this.#take(event));
    live.on('heartbeat', () => this.#heard());
    live.on('resync', () => this.refetch());
    for (const part of /** @type {Part[]} */ (['tenant', 'feed', 'expiring', 'waiting', 'stats', 'link'])) this.touch(part);
    this.refetch();
  }

  /** Looks at one branch, or at all. The stream stays whole, so coming back misses nothing. @param {string} branch */
  look(branch) {
    this.branch = this.tenant?.branches?.some((b) => b.id === branch) ? branch : '';
    this.alerts.branch = this.branch;
    this.stock.branch = this.branch;
    const url = new URL(location.href);
    url.searchParams.set('tenant', this.tenant?.subdomain || this.tenant?.id || '');
    if (this.branch) url.searchParams.set('branch', this.branch);
    else url.searchParams.delete('branch');
    history.replaceState(null, '', url);
    for (const part of /** @type {Part[]} */ (['tenant', 'alerts', 'feed', 'expiring', 'waiting', 'stock'])) this.touch(part);
  }

  /** Whether the engine says its sentences in another language than the reader's. */
  get foreign() {
    return Boolean(this.tenant?.locale) && this.tenant?.locale !== language;
  }

  /** Whether something of this branch is looked at; what belongs to the whole pharmacy always is. @param {string | null | undefined} branch */
  shows(branch) {
    return !this.branch || !branch || branch === this.branch;
  }

  /** @param {string | null | undefined} id */
  branchName(id) {
    if (!id) return '';
    return this.tenant?.branches?.find((b) => b.id === id)?.name ?? id;
  }

  /** Reads everything shown anew: at the start, and whenever something may have been missed. */
  refetch() {
    void this.alerts.load();
    void this.stock.load();
    void this.loadUrgent();
    void this.loadExpiring();
    void this.loadWaiting();
    void this.loadStats();
  }

  async loadExpiring() {
    const { api } = this;
    try {
      /** @type {Page<ExpiringItem> | undefined} */
      const page = await api?.expiring({ within: AHEAD });
      if (api !== this.api || !page) return;
      this.expiring = page.items;
      this.#came('expiring');
    } catch (error) {
      if (api !== this.api) return;
      this.#missed('expiring', error);
    }
    this.touch('expiring');
  }

  async loadUrgent() {
    const { api } = this;
    try {
      await this.stock.loadUrgent();
      if (api === this.api) this.#came('stock');
    } catch (error) {
      if (api === this.api) this.#missed('stock', error);
    }
    this.touch('stock');
  }

  async loadWaiting() {
    const { api } = this;
    try {
      const page = await api?.prescriptions();
      if (api !== this.api || !page) return;
      this.waiting = page.items;
      this.#came('waiting');
    } catch (error) {
      if (api !== this.api) return;
      this.#missed('waiting', error);
    }
    this.touch('waiting');
  }

  /** @param {Part} part */
  #came(part) {
    this.barred.delete(part);
    delete this.problems[part];
  }

  /** What could not be read is said, unless it is not for this reader. @param {Part} part @param {unknown} error */
  #missed(part, error) {
    if (error instanceof RequestError && error.status === 403) this.barred.add(part);
    else this.problems[part] = words(error);
  }

  async loadStats() {
    const { api } = this;
    const stats = await api?.stats().catch(() => undefined);
    if (api !== this.api) return;
    this.stats = stats; // none rather than an old one: figures of another minute are no figures
    this.touch('stats');
  }

  /** @param {StateChange} change */
  #linked(change) {
    const cameBack = change.state === 'live' && ['offline', 'connecting', 'catching-up'].includes(change.previous);
    if (change.state === 'unauthorized') return location.assign('/login');
    if (change.state === 'closed') return; // by ourselves, for another pharmacy
    this.link = change;
    if (change.state === 'live') this.#heard();
    // What failed to load while the engine was away is loaded now; a resync, if one is due, asks for the rest itself.
    if (cameBack && (this.alerts.problem || this.stock.problem || Object.keys(this.problems).length > 0)) this.refetch();
    else if (change.state === 'live') void this.loadStats();
    this.touch('link');
  }

  #heard() {
    if (this.link.state === 'live') this.trueAt = Date.now();
  }

  /** @param {Envelope} event */
  #take(event) {
    this.#heard();
    if (this.about && !eventIsAbout(event, this.about)) return;
    if (this.link.state === 'live') this.latency = { ms: Date.now() - Date.parse(event.at), at: Date.now() };
    if (this.feed.length === 0 || !this.feed.some((e) => e.id === event.id)) {
      this.feed.unshift(event);
      if (this.feed.length > FEED_KEPT) this.feed.length = FEED_KEPT;
      this.touch('feed');
      this.#later('keep', 1000, () => this.tenant && !this.about && keep(this.tenant.id, this.feed));
    }
    if (event.type.startsWith('alert_')) {
      this.alerts.apply(event);
      // The stream speaks the pharmacy's language: the list is asked in the reader's.
      if (this.foreign) this.#later('say', 500, () => this.alerts.load());
      if (event.data.kind === 'expiry') this.#later('expiring', 800, () => this.loadExpiring());
      if (URGENT.has(event.data.kind)) this.#later('urgent', 800, () => this.loadUrgent());
    }
    if (event.topic === 'inventory') this.stock.apply(event, isAfter);
    if (event.type === 'stock_level_changed' && this.stock.urgent.some((i) => i.medicine.id === event.data.id)) this.#later('urgent', 3000, () => this.loadUrgent());
    if (event.topic === 'prescriptions') this.#later('waiting', 800, () => this.loadWaiting());
    // Lots change inside a stock change without an event of their own.
    const short = this.expiring.some((i) => i.medicine.id === event.data.id);
    if (event.type.startsWith('lot_')) this.#later('expiring', 800, () => this.loadExpiring());
    else if (event.type === 'stock_level_changed' && short) this.#later('expiring', 3000, () => this.loadExpiring());
  }

  /** Takes events that happened before this page was opened, the oldest first. @param {Envelope[]} past */
  recall(past) {
    const known = new Set(this.feed.map((e) => e.id));
    this.feed = [...this.feed, ...past.filter((e) => !known.has(e.id)).reverse()].sort((a, b) => (isAfter(a.id, b.id) ? -1 : 1)).slice(0, FEED_KEPT);
    this.stock.recall(past);
    this.touch('feed');
  }

  /** Once, after some quiet. @param {string} name @param {number} ms @param {() => void} what */
  #later(name, ms, what) {
    this.#soon[name] ??= setTimeout(() => {
      delete this.#soon[name];
      what();
    }, ms);
  }
}

/** @param {unknown} error */
export function words(error) {
  return error instanceof RequestError ? error.message : t('Something on this page went wrong.');
}

/** @param {string} tenant @param {Envelope[]} feed */
function keep(tenant, feed) {
  try {
    sessionStorage.setItem(`rxvigil.feed ${tenant}`, JSON.stringify(feed.slice(0, 50)));
  } catch {
    // The feed starts empty after a reload.
  }
}

/** @param {string} tenant @returns {Envelope[]} */
function recall(tenant) {
  try {
    return JSON.parse(sessionStorage.getItem(`rxvigil.feed ${tenant}`) ?? '[]');
  } catch {
    return [];
  }
}

/** The one store of this page. */
export const store = new Store();
