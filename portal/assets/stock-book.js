// The stock of what is looked at: a search, or one medicine with its lots; and how its availability moved since this page opened.

import { RequestError } from '../client/rxvigil.js';

/**
 * @import {rest} from '../client/rxvigil.js'
 * @import {Envelope, Level, StockItem} from '../client/types.d.ts'
 * @typedef {{at: number, value: number}} Point
 */

const POINTS = 500;
const SERIES = 400;
const ASK_MS = 160;
const LOTS_MS = 700;
const URGENT = 50;

export class StockBook {
  query = '';
  medicine = '';
  branch = '';
  /** @type {StockItem[]} */ items = [];
  /** What wants ordering, the most urgent first. @type {StockItem[]} */ urgent = [];
  /** @type {Level[]} At which the open medicine is low, by branch. */ levels = [];
  loading = false;
  problem = '';
  /** @type {{id: string, name: string}[]} Medicines that moved last, newest first. */ moved = [];
  /** @type {Map<string, Point[]>} */ #series = new Map();
  #cursor = '';
  #asked = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #lotsTimer;
  #touch;
  /** @type {ReturnType<typeof rest> | undefined} */ #api;

  /** @param {(part: 'stock') => void} touch */
  constructor(touch) {
    this.#touch = touch;
  }

  /** @param {ReturnType<typeof rest>} api */
  turn(api) {
    this.#api = api;
    this.#series.clear();
    this.moved = [];
    this.urgent = [];
    this.search('');
  }

  /** @param {string} query */
  search(query) {
    this.query = query;
    this.medicine = '';
    if (!query.trim()) this.items = [];
    this.#soon(ASK_MS);
  }

  /** Opens one medicine. @param {string} id @param {string} name */
  open(id, name) {
    this.medicine = id;
    this.query = name;
    this.levels = [];
    this.items = this.items.filter((i) => i.medicine.id === id);
    this.#soon(0);
  }

  /** @param {string} medicine @param {string | null | undefined} branch */
  series(medicine, branch) {
    return this.#series.get(`${medicine} ${branch ?? ''}`) ?? [];
  }

  /** @param {number} ms */
  #soon(ms) {
    clearTimeout(this.#timer);
    this.loading = Boolean(this.medicine || this.query.trim());
    this.#timer = setTimeout(() => void this.load(), ms);
    this.#touch('stock');
  }

  /** Reads again soon, at most once in a while however busy the medicine is. */
  #readLots() {
    this.#lotsTimer ??= setTimeout(() => {
      this.#lotsTimer = undefined;
      void this.load();
    }, LOTS_MS);
  }

  async load() {
    const api = this.#api;
    const q = this.query.trim();
    if (!api || !(this.medicine || q)) {
      this.loading = false;
      this.problem = '';
      return this.#touch('stock');
    }
    const asked = ++this.#asked;
    try {
      const page = await api.stock(this.medicine ? { medicine: this.medicine } : { q });
      if (asked !== this.#asked || api !== this.#api) return;
      this.items = page.items;
      this.#cursor = page.cursor;
      this.problem = '';
      for (const item of page.items) if (item.available !== null) this.#point(item.medicine.id, item.branch?.id, Date.now(), item.available, true);
    } catch (error) {
      if (asked !== this.#asked || api !== this.#api) return;
      this.problem = error instanceof RequestError ? error.message : String(error);
    }
    this.loading = false;
    this.#touch('stock');
    void this.#readLevels();
  }

  /** Reads what is urgent. */
  async loadUrgent() {
    const api = this.#api;
    const page = await api?.stock({ sort: 'urgency', limit: String(URGENT) });
    if (!page || api !== this.#api) return;
    this.urgent = page.items;
    this.#touch('stock');
  }

  async #readLevels() {
    const medicine = this.medicine;
    const page = medicine ? await this.#api?.thresholds(medicine).catch(() => undefined) : undefined;
    if (!page || medicine !== this.medicine) return;
    this.levels = page.items.filter((l) => l.rule === 'low_stock');
    this.#touch('stock');
  }

  /** @param {string | undefined} branch */
  level(branch) {
    return this.levels.find((l) => (l.branch?.id ?? '') === (branch ?? ''));
  }

  /** Sets at which level the open medicine is low in a branch; null leaves it to the app again. @param {string} branch @param {number | null} value @param {string} [by] */
  async setLevel(branch, value, by) {
    await this.#api?.setThreshold(this.medicine, { rule: 'low_stock', branch, value: value ?? undefined, by });
    await this.load();
  }

  /** @param {Envelope} event @param {(event: string | undefined, picture: string) => boolean} isAfter */
  apply(event, isAfter) {
    const { data: d } = event;
    if (event.type === 'stock_level_changed') {
      const at = Date.parse(event.at);
      if (typeof d.before?.available === 'number' && !this.series(d.id, event.branch).length) this.#point(d.id, event.branch, at - 1, d.before.available);
      if (typeof d.available === 'number') this.#point(d.id, event.branch, at, d.available);
      this.moved = [{ id: d.id, name: d.name }, ...this.moved.filter((m) => m.id !== d.id)].slice(0, 6);
      this.#touch('stock');
    }
    const item = this.items.find((i) => i.medicine.id === (d.medicine ?? d.id) && (i.branch?.id ?? null) === event.branch);
    if (!item) {
      // A medicine or a branch that the picture lacks may have come into it.
      if (this.medicine && this.medicine === (d.medicine ?? d.id)) this.#readLots();
      return;
    }
    if (!isAfter(event.id, this.#cursor)) return;
    if (event.type === 'stock_level_changed') {
      Object.assign(item, { on_hand: d.on_hand, reserved: d.reserved, available: d.available });
      item.medicine.reorder_level = d.reorder_level ?? item.medicine.reorder_level;
      const limit = (this.medicine && this.level(event.branch ?? '')?.threshold.value) ?? item.medicine.reorder_level;
      if (typeof d.available !== 'number') item.status = 'unknown';
      else item.status = d.available <= 0 ? 'out' : typeof limit === 'number' && d.available <= limit ? 'low' : 'ok';
      this.#readLots(); // the event sums over lots and names none
    } else if (event.type === 'lot_updated') {
      const lot = item.lots?.find((l) => l.id === d.id);
      if (lot) Object.assign(lot, { on_hand: d.on_hand ?? lot.on_hand, reserved: d.reserved ?? lot.reserved, number: d.number ?? lot.number });
      if (!lot || d.changed?.includes('expires')) this.#readLots();
    } else this.#readLots();
    this.#touch('stock');
  }

  /** Takes how stock moved before this page was opened, the oldest first. @param {Envelope[]} past */
  recall(past) {
    /** @type {Map<string, Point[]>} */
    const before = new Map();
    for (const { type, branch, at, data: d } of past) {
      if (type !== 'stock_level_changed' || typeof d.available !== 'number') continue;
      const key = `${d.id} ${branch ?? ''}`;
      const points = before.get(key) ?? [];
      before.set(key, points);
      if (points.length === 0 && typeof d.before?.available === 'number') points.push({ at: Date.parse(at) - 1, value: d.before.available });
      points.push({ at: Date.parse(at), value: d.available });
    }
    for (const [key, points] of before) {
      const last = points.at(-1)?.at ?? 0;
      this.#series.set(key, [...points, ...(this.#series.get(key) ?? []).filter((p) => p.at > last)].slice(-POINTS));
    }
    this.#touch('stock');
  }

  /** @param {string} medicine @param {string | null | undefined} branch @param {number} at @param {number} value @param {boolean} [onlyFirst] */
  #point(medicine, branch, at, value, onlyFirst) {
    const key = `${medicine} ${branch ?? ''}`;
    let points = this.#series.get(key);
    if (points && onlyFirst) return;
    if (!points) {
      points = [];
      this.#series.set(key, points);
      if (this.#series.size > SERIES) for (const oldest of this.#series.keys()) { this.#series.delete(oldest); break; }
    }
    points.push({ at, value });
    if (points.length > POINTS) points.shift();
  }
}
