// React's side of the client: hooks over one shared connection a tenant, and two components.
//
//   const { isConnected, stockAlerts } = useMedicineMonitor('testpharmacy');
//
// Components that name the same options share a connection; the last one to go closes it. Bursts reach React once a frame.

import { createElement as h, useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';

import { streamName } from './memory.js';
import { expiryAlerts, stockAlerts } from './monitor.js';
import { connect, isAfter, rest, tenants } from './rxvigil.js';

/**
 * @import {Alert, Envelope, Options, State, StockItem} from './types.d.ts'
 * @import {Change} from './optimistic.js'
 *
 * @typedef {object} Snapshot  What a component may read; a new object whenever something of it changed.
 * @property {State} state
 * @property {string} reason
 * @property {string} connectionId
 * @property {Date | null} lastHeartbeat
 * @property {number} reconnectAttempts  Since the connection was last live.
 * @property {readonly Envelope[]} events  The last 50, the newest first.
 * @property {readonly Alert[]} alerts  The open ones, the worst first.
 * @property {boolean} alertsLoaded
 * @property {string} alertsProblem
 * @property {readonly Change<any>[]} ahead
 */

/** A connection is kept so long after its last reader left: a page that changes views does not reconnect. */
const LINGER_MS = 2_000;
const STATS_MS = 30_000;
const GATHER_MS = 250;

/** @type {Snapshot} */
const NOTHING = Object.freeze({ state: 'connecting', reason: '', connectionId: '', lastHeartbeat: null, reconnectAttempts: 0, events: [], alerts: [], alertsLoaded: false, alertsProblem: '', ahead: [] });

/** One tenant's connection for all components of a page. */
class Source {
  snapshot = NOTHING;
  /** @type {ReturnType<typeof connect> | undefined} */ live;
  /** @type {Set<() => void>} */ #readers = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #linger;
  /** @type {Set<{type: string, handler: (value: any) => void, end?: () => void}>} */ #relays = new Set();
  #due = false;
  #attempts = 0;
  #options;
  #stopped = false;

  /** @param {Options} options */
  constructor(options) {
    this.#options = options;
  }

  subscribe = (/** @type {() => void} */ reader) => {
    clearTimeout(this.#linger);
    this.#readers.add(reader);
    if (!this.#stopped) this.open();
    return () => {
      this.#readers.delete(reader);
      if (this.#readers.size === 0) this.#linger = setTimeout(() => this.#readers.size === 0 && this.#close(), LINGER_MS);
    };
  };

  read = () => this.snapshot;

  open = () => {
    if (this.live) return this.live;
    this.#stopped = false;
    const live = connect(this.#options);
    this.live = live;
    live.on('state', ({ state, reason }) => {
      if (state === 'connecting') this.#attempts++;
      if (state === 'live') this.#attempts = 0;
      this.#change({ state, reason, reconnectAttempts: Math.max(0, this.#attempts - 1) }, true);
    });
    live.on('established', ({ connectionId }) => this.#change({ connectionId }));
    live.on('heartbeat', () => this.#change({ lastHeartbeat: new Date() }));
    live.on('event', () => this.#later());
    live.on('ahead', (ahead) => this.#change({ ahead }, true));
    live.alerts.watch(() => this.#later());
    for (const relay of this.#relays) relay.end = live.on(relay.type, relay.handler);
    return live;
  };

  /** Hands over what every connection of this source says, also of those to come. Returns how to stop. @param {string} type @param {(value: any) => void} handler */
  on = (type, handler) => {
    const relay = { type, handler, end: this.live?.on(type, handler) };
    this.#relays.add(relay);
    return () => {
      this.#relays.delete(relay);
      relay.end?.();
    };
  };

  /** Ends it until somebody asks for it again. */
  stop = () => {
    this.#stopped = true;
    this.#close();
  };

  #close() {
    const { live } = this;
    this.live = undefined;
    live?.close();
    this.#attempts = 0;
  }

  /** @param {Partial<Snapshot>} part @param {boolean} [now] */
  #change(part, now) {
    this.snapshot = { ...this.snapshot, ...part };
    if (now) for (const reader of this.#readers) reader();
    else this.#later();
  }

  /** Ten thousand events are one rendering. */
  #later() {
    if (this.#due) return;
    this.#due = true;
    // A hidden page draws no frames, and still wants its numbers right.
    const soon = globalThis.document?.visibilityState === 'visible' ? globalThis.requestAnimationFrame : (/** @type {() => void} */ f) => setTimeout(f, GATHER_MS);
    soon(() => {
      this.#due = false;
      const { live } = this;
      if (live) this.snapshot = { ...this.snapshot, events: [...live.recent].reverse(), alerts: live.alerts.list, alertsLoaded: live.alerts.loaded, alertsProblem: live.alerts.problem };
      for (const reader of this.#readers) reader();
    });
  }
}

/** @type {Map<string, Source>} */
const sources = new Map();

/** @param {Options} options */
function sourceOf(options) {
  const key = `${streamName(options)} ${options.share}`;
  const found = sources.get(key) ?? new Source(options);
  sources.set(key, found);
  return found;
}

/** A tenant's name, or all the options of `connect`. @param {string | Options} of */
function useSource(of) {
  const options = typeof of === 'string' ? { tenant: of } : of;
  const source = sourceOf(options);
  const snapshot = useSyncExternalStore(source.subscribe, source.read, () => NOTHING);
  return { options, source, snapshot };
}

/**
 * The connection itself: its state in words, and how to end it and begin again.
 * @param {string | Options} of
 */
export function useConnection(of) {
  const { source, snapshot } = useSource(of);
  const { state, reason, connectionId, lastHeartbeat, reconnectAttempts, ahead } = snapshot;
  return {
    state, reason, connectionId, lastHeartbeat, reconnectAttempts, ahead,
    isConnected: state === 'live' || state === 'catching-up' || state === 'stale',
    /** The client's own object; undefined until the component is mounted. */
    client: source.live,
    connect: source.open,
    disconnect: source.stop,
  };
}

/**
 * The last events of some types, or of all, the newest first; and a call for each one that comes.
 * @param {string | Options} of
 * @param {{types?: string[], onEvent?: (event: Envelope) => void}} [how]
 */
export function useEvents(of, { types, onEvent } = {}) {
  const { source, snapshot } = useSource(of);
  const wanted = types?.join();
  const handler = useRef(onEvent);
  useEffect(() => {
    handler.current = onEvent;
  });
  useEffect(() => source.on('event', (event) => {
    if (!wanted || wanted.split(',').includes(event.type)) handler.current?.(event);
  }), [source, wanted]);
  return useMemo(() => (wanted ? snapshot.events.filter((e) => wanted.split(',').includes(e.type)) : snapshot.events), [snapshot.events, wanted]);
}

/**
 * The open alerts, the worst first, and what people do to them. An act shows in the list once the engine has read it back.
 * @param {string | Options} of
 */
export function useAlerts(of) {
  const { options, snapshot } = useSource(of);
  const api = useApi(options);
  return {
    alerts: snapshot.alerts,
    loaded: snapshot.alertsLoaded,
    problem: snapshot.alertsProblem,
    acknowledge: api.acknowledge,
    snooze: api.snooze,
    unsnooze: api.unsnooze,
  };
}

/** @param {Options} options */
function useApi(options) {
  const latest = useRef(options);
  latest.current = options;
  return useMemo(() => rest({
    ...latest.current,
    headers: async () => (await latest.current.headers?.()) ?? {},
  }), [options.url, options.tenant]);
}

/**
 * Stock: read once, followed by the stream, read anew where that cannot tell. `change` shows numbers before the database has
 * them; the items it touches have `pending: true` until the stream has shown the transaction.
 * @param {string | Options} of
 * @param {{q?: string, medicine?: string}} [query]
 */
export function useStock(of, { q, medicine } = {}) {
  const { options, source, snapshot } = useSource(of);
  const api = useApi(options);
  const { branch } = options;
  const [page, setPage] = useState(/** @type {{items: StockItem[], cursor: string, problem: string, loaded: boolean}} */ ({ items: [], cursor: '', problem: '', loaded: false }));
  const asked = useRef(0);
  const reload = useCallback(async () => {
    const mine = ++asked.current;
    try {
      const { items, cursor } = await api.stock({ q, medicine, branch });
      if (mine === asked.current) setPage({ items, cursor, problem: '', loaded: true });
    } catch (error) {
      if (mine === asked.current) setPage((was) => ({ ...was, problem: error instanceof Error ? error.message : String(error) }));
    }
  }, [api, q, medicine, branch]);
  useEffect(() => {
    void reload();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const soon = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        void reload();
      }, GATHER_MS);
    };
    const ends = [
      source.on('resync', soon),
      source.on('event', (event) => {
        if (event.topic !== 'inventory') return;
        const { data: d, branch: where } = event;
        if (event.type !== 'stock_level_changed') return soon();
        setPage((was) => {
          const i = was.items.findIndex((item) => item.medicine.id === d.id && (item.branch?.id ?? null) === where);
          const item = was.items[i];
          if (!item || !isAfter(event.id, was.cursor)) return was;
          return { ...was, items: was.items.with(i, { ...item, on_hand: d.on_hand ?? null, reserved: d.reserved ?? null, available: d.available ?? null }) };
        });
        soon(); // lots, days of cover and what to order are not in the event
      }),
    ];
    return () => {
      asked.current++;
      clearTimeout(timer);
      for (const end of ends) end();
    };
  }, [source, reload]);

  const change = useCallback(
    /**
     * @param {{medicine: string, branch?: string | null, on_hand?: number, available?: number}} value
     * @param {() => Promise<string | number | bigint | void>} send Asks the app; resolves to the transaction's xid where it gives one.
     * @param {{match?: (event: Envelope) => boolean, timeout?: number}} [how] Default match: the medicine's next stock_level_changed.
     */
    (value, send, how) => source.open().optimistic({
      value, send,
      match: (event) => event.type === 'stock_level_changed' && event.data.id === value.medicine && (value.branch === undefined || event.branch === value.branch),
      ...how,
    }), [source]);

  const items = useMemo(() => page.items.map((item) => {
    let shown = /** @type {StockItem & {pending: boolean}} */ ({ ...item, pending: false });
    for (const { value } of snapshot.ahead) {
      if (value?.medicine !== item.medicine.id || (value.branch !== undefined && value.branch !== (item.branch?.id ?? null))) continue;
      shown = { ...shown, on_hand: value.on_hand ?? shown.on_hand, available: value.available ?? shown.available, pending: true };
    }
    return shown;
  }), [page.items, snapshot.ahead]);
  return { items, loaded: page.loaded, problem: page.problem, reload, change };
}

/**
 * All that portal B's hook of this name gives. Its lists can be cleared: what was cleared stays away until it changes.
 * @param {string | Options} of
 */
export function useMedicineMonitor(of) {
  const { options, source, snapshot } = useSource(of);
  const api = useApi(options);
  const connection = useConnection(of);
  const [stats, setStats] = useState({ medicineCount: 0, activeConnections: 0 });
  const [zone, setZone] = useState('');
  const [cleared, setCleared] = useState({ stock: /** @type {string[]} */ ([]), expiry: /** @type {string[]} */ ([]), events: '' });
  useEffect(() => {
    let gone = false;
    const read = async () => {
      const found = await api.stats().catch(() => undefined);
      if (!found || gone) return;
      setStats({ medicineCount: found.medicine_count ?? 0, activeConnections: Object.values(found.connections ?? {}).reduce((a, b) => a + b, 0) });
    };
    void read();
    tenants({ url: options.url, headers: options.headers, fetch: options.fetch }).then((all) => {
      const ours = all.find((t) => t.id === options.tenant || t.subdomain === options.tenant);
      if (!gone) setZone(ours?.zone ?? '');
    }, () => {});
    const timer = setInterval(read, STATS_MS);
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, [api, connection.isConnected]);

  const name = (/** @type {Alert} */ a) => `${a.id} ${a.version}`;
  const stock = useMemo(() => stockAlerts(snapshot.alerts.filter((a) => !cleared.stock.includes(name(a)))), [snapshot.alerts, cleared.stock]);
  const expiry = useMemo(() => expiryAlerts(snapshot.alerts.filter((a) => !cleared.expiry.includes(name(a))), zone), [snapshot.alerts, cleared.expiry, zone]);
  const events = useMemo(() => {
    const end = cleared.events ? snapshot.events.findIndex((e) => e.id === cleared.events) : -1;
    return (end < 0 ? snapshot.events : snapshot.events.slice(0, end)).map((e) => ({ id: e.id, type: e.type, data: e.data, timestamp: e.at, tenantId: e.tenant, branchId: e.branch }));
  }, [snapshot.events, cleared.events]);
  const criticalStockAlerts = useMemo(() => stock.filter((a) => a.urgency === 'critical'), [stock]);
  const criticalExpiryAlerts = useMemo(() => expiry.filter((a) => a.urgency === 'critical'), [expiry]);
  const clearStockAlerts = useCallback(() => setCleared((was) => ({ ...was, stock: source.snapshot.alerts.map(name) })), [source]);
  const clearExpiryAlerts = useCallback(() => setCleared((was) => ({ ...was, expiry: source.snapshot.alerts.map(name) })), [source]);
  const clearAllEvents = useCallback(() => setCleared((was) => ({ ...was, events: source.snapshot.events[0]?.id ?? was.events })), [source]);
  const getEventsByType = useCallback((/** @type {string} */ type) => events.filter((e) => e.type === type), [events]);
  const getRecentEvents = useCallback((count = 10) => events.slice(0, count), [events]);
  return {
    isConnected: connection.isConnected,
    /** In whole: connecting, live, catching-up, stale, offline, unauthorized, closed. */
    state: connection.state,
    /** Why, in words that can be shown. */
    reason: connection.reason,
    connectionId: connection.connectionId,
    lastHeartbeat: connection.lastHeartbeat,
    reconnectAttempts: connection.reconnectAttempts,
    events, stockAlerts: stock, expiryAlerts: expiry, ...stats,
    connect: connection.connect,
    disconnect: connection.disconnect,
    clearStockAlerts, clearExpiryAlerts, clearAllEvents, getEventsByType, getRecentEvents,
    hasStockAlerts: stock.length > 0,
    hasExpiryAlerts: expiry.length > 0,
    criticalStockAlerts, criticalExpiryAlerts,
    totalAlerts: stock.length + expiry.length,
  };
}

/**
 * A panel of what is low and what expires, with the state of the connection in words.
 * @param {{tenant: string | Options, className?: string}} props
 */
export function MedicineMonitor({ tenant, className = 'rx-monitor' }) {
  const m = useMedicineMonitor(tenant);
  const list = (/** @type {string} */ title, /** @type {{key: string, urgency: string, text: string}[]} */ rows) =>
    h('section', { 'aria-label': title }, h('h3', null, `${title} (${rows.length})`),
      rows.length ? h('ul', null, rows.map((r) => h('li', { key: r.key, 'data-urgency': r.urgency }, r.text))) : h('p', null, 'None.'));
  return h('div', { className },
    h('p', { role: 'status', 'data-state': m.state }, m.state === 'live' ? 'Live' : m.reason || 'Connecting'),
    list('Low stock', m.stockAlerts.map((a) => ({ key: `${a.id} ${a.branchId}`, urgency: a.urgency, text: `${a.name}: ${a.currentStock ?? 'unknown'} left, at least ${a.minStockLevel ?? 'unknown'} wanted` }))),
    list('Expiring', m.expiryAlerts.map((a) => ({ key: `${a.id} ${a.batchNumber} ${a.branchId}`, urgency: a.urgency, text: `${a.name}${a.batchNumber && `, lot ${a.batchNumber}`}: ${when(a.daysUntilExpiry)}` }))));
}

/** @param {number | null} days */
function when(days) {
  if (days === null) return 'expiry unknown';
  if (days < 0) return `expired ${-days} ${days === -1 ? 'day' : 'days'} ago`;
  return days === 0 ? 'expires today' : `expires in ${days} ${days === 1 ? 'day' : 'days'}`;
}

/**
 * Calls back with what happens, and gives its children nothing to know of it.
 * @param {object} props
 * @param {string | Options} props.tenant
 * @param {(data: any, event: Envelope) => void} [props.onMedicineCreated]
 * @param {(data: any, event: Envelope) => void} [props.onMedicineUpdated]  Also when its stock changed.
 * @param {(data: any, event: Envelope) => void} [props.onMedicineDeleted]
 * @param {(alert: Alert, event: Envelope) => void} [props.onStockAlert]  When one is raised or gets worse.
 * @param {(alert: Alert, event: Envelope) => void} [props.onExpiryAlert]
 * @param {any} [props.children]
 */
export function RealtimeWrapper({ tenant, children, ...on }) {
  useEvents(tenant, {
    onEvent: (event) => {
      const { type, data } = event;
      if (type === 'medicine_created') on.onMedicineCreated?.(data, event);
      else if (type === 'medicine_updated' || type === 'stock_level_changed') on.onMedicineUpdated?.(data, event);
      else if (type === 'medicine_deleted') on.onMedicineDeleted?.(data, event);
      else if ((type === 'alert_raised' || type === 'alert_changed') && data.status === 'firing') {
        if (data.kind === 'low_stock') on.onStockAlert?.(/** @type {Alert} */ (data), event);
        if (data.kind === 'expiry') on.onExpiryAlert?.(/** @type {Alert} */ (data), event);
      }
    },
  });
  return children ?? null;
}

/**
 * Marks queries of TanStack Query as out of date when the stream says so.
 * @param {string | Options} of
 * @param {{ invalidateQueries: (filter: {queryKey: readonly unknown[]}) => unknown }} queryClient
 * @param {(event: Envelope | null) => readonly (readonly unknown[])[]} keys Which query keys an event is about; null: everything.
 */
export function useInvalidation(of, queryClient, keys) {
  const { source } = useSource(of);
  const latest = useRef(keys);
  useEffect(() => {
    latest.current = keys;
  });
  useEffect(() => {
    /** @type {Map<string, readonly unknown[]>} */
    const due = new Map();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const mark = (/** @type {Envelope | null} */ event) => {
      for (const key of latest.current(event)) due.set(JSON.stringify(key), key);
      if (due.size > 0) timer ??= setTimeout(() => {
        timer = undefined;
        for (const queryKey of due.values()) void queryClient.invalidateQueries({ queryKey });
        due.clear();
      }, GATHER_MS);
    };
    const ends = [source.on('event', mark), source.on('resync', () => mark(null))];
    return () => {
      clearTimeout(timer);
      for (const end of ends) end();
    };
  }, [source, queryClient]);
}
