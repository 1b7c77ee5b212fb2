// What travels between the engine and a portal. CONTRACTS.md 4, 5 and 7 promise these shapes; fields may be added, never renamed.

export type Severity = 'info' | 'warning' | 'high' | 'critical';
export type Status = 'pending' | 'firing' | 'acknowledged' | 'snoozed' | 'resolved';
export type Topic = 'inventory' | 'sales' | 'prescriptions' | 'patients' | 'notifications';

/** A value of the engine: null is "known to be empty" or "unknown", never zero. */
export type Fact = string | number | boolean | null;
export type Facts = Record<string, Fact>;

export interface Alert {
  id: string;
  rule: string;
  kind: string;
  severity: Severity;
  rung: string;
  episode: number;
  status: Status;
  tenant: string;
  branch: string | null;
  subject: { type: string; id: string; name: string; lot?: string; medicine?: string };
  message: string;
  values: Facts | null;
  threshold?: { value: Fact; source: string };
  why: { inputs: Facts | null; lsn: string; committed_at: string };
  started_at: string;
  changed_at: string;
  resolved_at?: string;
  acknowledged_by?: string;
  note?: string;
  snoozed_until?: string;
  version: number;
}

/** One transition in an alert's life. */
export interface HistoryLine {
  version: number;
  event: string;
  from: string;
  to: string;
  severity: Severity;
  at: string;
  by?: string | null;
  note?: string | null;
  cursor?: string;
}

/** The native envelope: one domain event, named by its cursor. */
export interface Envelope {
  id: string;
  type: string;
  topic: Topic;
  tenant: string;
  branch: string | null;
  /** Commit time by the database's clock, RFC 3339. */
  at: string;
  xid: string;
  /** True on the last event of its transaction. */
  last?: boolean;
  data: Record<string, any>;
}

export interface StockNumbers {
  on_hand: number | null;
  reserved: number | null;
  available: number | null;
}

export interface Lot {
  id: string;
  number: string | null;
  /** YYYY-MM-DD, or "infinity". */
  expires: string | null;
  /** Civil days left in the pharmacy's zone; negative once expired. */
  days: number | null;
  on_hand: number | null;
  reserved: number | null;
}

export interface Named { id: string; name: string }

export interface StockItem extends StockNumbers {
  medicine: Named & { category?: string | null; reorder_level?: number | null; price?: number | null };
  branch: Named | null;
  status: 'ok' | 'low' | 'out' | 'unknown';
  /** On average a day; this and what follows is null where history is too short to tell. */
  daily_use?: number | null;
  /** Days that the available stock lasts. */
  cover_days?: number | null;
  min?: number | null;
  max?: number | null;
  /** What brings the available stock up to max. */
  order?: number | null;
  lots: Lot[];
}

/** A threshold in effect. Its source is override, app, medicine, category, branch, tenant, usage or rule. */
export interface Level {
  rule: string;
  branch: Named | null;
  threshold: { value: number | null; source: string };
}

export interface ExpiringItem {
  medicine: Named;
  branch: Named | null;
  lot: { id: string; number: string | null; expires: string | null; on_hand: number | null };
  days: number;
  rung: 'expired' | 'expires_7' | 'expires_30';
}

export interface Stats {
  connections?: Record<string, number>;
  lag?: { bytes?: number | null; seconds?: number | null };
  events?: Record<string, { total: number; per_minute: number }>;
  alerts?: Record<string, number>;
  alerts_by_rule?: Record<string, unknown>;
  engine?: { status?: EngineStatus; since?: string; epoch?: string; version?: string; faults?: number };
  latency?: { p50_ms?: number | null; p99_ms?: number | null };
  medicine_count?: number;
}
export type EngineStatus = 'starting' | 'live' | 'catching_up' | 'stale';

export interface TenantItem extends Named { subdomain?: string | null; branches?: Named[] | null; zone?: string; locale?: string }

/** A list; `cursor` was taken before the read, so events after it are news to the list. */
export interface Page<T> { items: T[]; next: string | null; cursor: string }

/** What a person's act came to: applied, not applied (already resolved), or handed in and not yet read back. */
export interface Act { applied?: boolean; alert?: Alert; operation?: string; cursor?: string }

/**
 * connecting: asking for the stream. catching-up: connected, replaying what was missed. live: every commit arrives as it
 * happens. stale: connected, but the engine cannot see the database. offline: no connection; another try is due.
 * unauthorized: the engine does not know who asks, or does not let them in; another try, with another token, is due. closed: by
 * the page, for good.
 */
export type State = 'connecting' | 'live' | 'catching-up' | 'stale' | 'offline' | 'unauthorized' | 'closed';

export interface StateChange {
  state: State;
  previous: State;
  /** Why, in words that can be shown. */
  reason: string;
  /** When stale: since when the database is out of sight. */
  since?: string;
  /** When offline or unauthorized: the instant of the next try, in ms since 1970. */
  retryAt?: number;
}

/** `cursor` is null when the asked place cannot be resumed from; a resync follows. */
export interface Established { connectionId: string; resumed: boolean; cursor: string | null }
/** Something may have been missed in this scope; no topics: all of them, no branch: all of them. */
export interface ResyncNotice {
  reason: string;
  scope?: { tenant: string; branch: string | null; topics: Topic[] };
  snapshot?: string;
  alerts?: string;
  cursor?: string | null;
}

/** What `on` can be asked for. Any event type of CONTRACTS 4 may be named as well, and hands over its envelope. */
export interface Signals {
  state: StateChange;
  event: Envelope;
  established: Established;
  heartbeat: { cursor: string | null; stale?: boolean };
  /** Something may have been missed: fetch again what you show. */
  resync: ResyncNotice;
  bye: { reason?: string; retry_after_ms?: number };
  /** The changes shown ahead of the database, after each change of them. */
  ahead: readonly import('./optimistic.js').Change<any>[];
}

export interface Options {
  /** Origin of the engine; empty for the page's own. */
  url?: string;
  /** The tenant's id or subdomain. */
  tenant: string;
  topics?: Topic[];
  branch?: string;
  /** Resume after this cursor instead of the remembered one. */
  after?: string;
  /** Headers of every request: the place for a bearer token. */
  headers?: () => Record<string, string> | Promise<Record<string, string>>;
  /** Default: an event stream, and a WebSocket where that is held back on its way. */
  transport?: 'sse' | 'websocket';
  /** Default: the platform's. */
  fetch?: typeof fetch;
  /** Default: the platform's, where it has one. */
  WebSocket?: typeof WebSocket;
  /**
   * One stream for all tabs of a browser. The value names who is signed in (a user's id, never a secret): tabs share only with
   * tabs that give the same; true: nobody signs in here. Without it, or where the browser lacks Web Locks or BroadcastChannel,
   * each tab has its own.
   */
  share?: string | boolean;
  /** Where the cursor survives a reload. Default: sessionStorage when there is one; null: nowhere. */
  storage?: Pick<Storage, 'getItem' | 'setItem'> | null;
}

/** What Resume needs of a HubConnection of @microsoft/signalr. */
export interface HubConnection {
  baseUrl: string;
  on(target: string, handler: (...args: any[]) => void): void;
  onreconnecting(callback: (error?: Error) => void): void;
  onreconnected(callback: (connectionId?: string) => void): void;
  start(): Promise<void>;
}
