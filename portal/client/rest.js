// The questions a portal asks and the acts of its people, over plain HTTP.

/**
 * @import {Act, Alert, ExpiringItem, HistoryLine, Level, Options, Page, Stats, StockItem, TenantItem} from './types.d.ts'
 * @import {Backtest, PrescriptionItem, RuleBookBody} from './wire.d.ts'
 */

const PATIENCE_MS = 15_000;
/** A backtest reads the app's tables. */
const BACKTEST_MS = 120_000;
const MOST_PAGES = 20;

/** An answer that was not yes. `status` is 0 when there was no answer at all. */
export class RequestError extends Error {
  /**
   * @param {number} status
   * @param {string} message What the problem document says, or what happened.
   * @param {string} [type] The problem document's stable type.
   */
  constructor(status, message, type) {
    super(message);
    this.name = 'RequestError';
    this.status = status;
    this.type = type;
  }
}

/**
 * The tenants this caller may see.
 * @param {Omit<Options, 'tenant'>} [options]
 * @returns {Promise<TenantItem[]>}
 */
export async function tenants(options = {}) {
  const page = await ask(options, `${options.url ?? ''}/api/tenants`);
  return page.items ?? [];
}

/**
 * The REST side of one tenant. Every list carries the cursor it was read at; see `isAfter`.
 * @param {Options} options
 */
export function rest(options) {
  const base = `${options.url ?? ''}/api/tenant/${encodeURIComponent(options.tenant)}`;

  /** @param {string} path @param {Record<string, string | undefined>} [query] */
  const get = (path, query) => ask(options, base + path + search(query));
  /** @param {string} id @param {string} verb @param {object} body @returns {Promise<Act>} */
  const act = (id, verb, body) =>
    ask(options, `${base}/alerts/${encodeURIComponent(id)}/${verb}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
  /** @param {string} path @param {Record<string, string | undefined>} [query] @returns {Promise<Page<any>>} */
  const list = async (path, query) => {
    const first = await get(path, query);
    const items = first.items ?? [];
    let { next } = first;
    for (let n = 1; next && n < MOST_PAGES; n++) {
      const page = await get(path, { ...query, after: next });
      items.push(...(page.items ?? []));
      next = page.next;
    }
    // The first page's cursor is the oldest, so no event that any of the pages lacks is taken for known.
    return { items, next: next ?? null, cursor: first.cursor };
  };

  return {
    /** Alerts, all pages of them. @param {{status?: string, branch?: string, lang?: string}} [query] @returns {Promise<Page<Alert>>} */
    alerts: (query) => list('/alerts', query),
    /** One alert with its history. @param {string} id @param {{lang?: string}} [query] @returns {Promise<{alert: Alert, history: HistoryLine[]}>} */
    alert: (id, query) => get(`/alerts/${encodeURIComponent(id)}`, query),
    /** @param {string} id @param {{note?: string, by?: string}} [body] */
    acknowledge: (id, body = {}) => act(id, 'acknowledge', body),
    /** @param {string} id @param {{for?: string, until?: string, by?: string}} body */
    snooze: (id, body) => act(id, 'snooze', body),
    /** @param {string} id @param {{by?: string}} [body] */
    unsnooze: (id, body = {}) => act(id, 'unsnooze', body),
    /** @param {{q?: string, medicine?: string, branch?: string, sort?: 'name' | 'urgency', limit?: string}} [query] @returns {Promise<Page<StockItem>>} */
    stock: (query) => get('/stock', query),
    /** @param {{within?: string, branch?: string}} [query] @returns {Promise<Page<ExpiringItem>>} */
    expiring: (query = { within: '30d' }) => list('/expiring', query),
    /** Prescriptions that wait, the longest first. @param {{branch?: string}} [query] @returns {Promise<Page<PrescriptionItem>>} */
    prescriptions: (query) => list('/prescriptions', query),
    /** The rules of the running pack, and the last backtest. @returns {Promise<RuleBookBody>} */
    rules: () => get('/rules'),
    /** Lets the rules judge what the app's tables tell of the last days. @param {number} days @returns {Promise<Backtest>} */
    backtest: (days) => ask(options, `${base}/rules/backtest?days=${days}`, { method: 'POST', signal: AbortSignal.timeout(BACKTEST_MS) }),
    /** By which thresholds a medicine is judged, and where each comes from. @param {string} medicine @returns {Promise<Page<Level>>} */
    thresholds: (medicine) => get(`/thresholds/${encodeURIComponent(medicine)}`),
    /** Sets one, in a branch or in all; without a value it is withdrawn. @param {string} medicine @param {{rule?: string, branch?: string, value?: number, by?: string}} body */
    setThreshold: (medicine, { value, ...body }) =>
      ask(options, `${base}/thresholds/${encodeURIComponent(medicine)}${value === undefined ? search({ rule: body.rule, branch: body.branch }) : ''}`, value === undefined ? { method: 'DELETE' } : {
        method: 'PUT',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ value, ...body }),
      }),
    /** @returns {Promise<Stats>} */
    stats: () => get('/stats'),
  };
}

/** @param {Record<string, string | undefined>} [query] */
function search(query) {
  const params = new URLSearchParams();
  for (const [k, v] of Object.entries(query ?? {})) if (v) params.set(k, v);
  const text = params.toString();
  return text ? `?${text}` : '';
}

/**
 * @param {Omit<Options, 'tenant'>} options
 * @param {string} url
 * @param {RequestInit} [init]
 * @returns {Promise<any>}
 */
async function ask(options, url, init = {}) {
  const send = options.fetch ?? globalThis.fetch;
  const own = (await options.headers?.()) ?? {};
  let response;
  try {
    response = await send(url, {
      ...init,
      headers: { Accept: 'application/json', ...init.headers, ...own },
      signal: init.signal ?? AbortSignal.timeout(PATIENCE_MS),
    });
  } catch (cause) {
    const late = cause instanceof Error && cause.name === 'TimeoutError';
    throw new RequestError(0, late ? 'The engine did not answer in time.' : 'The engine cannot be reached.');
  }
  const body = await response.json().catch(() => null);
  if (!response.ok) {
    throw new RequestError(response.status, body?.detail ?? body?.title ?? body?.error ?? `The engine answered ${response.status}.`, body?.type);
  }
  if (body === null) throw new RequestError(response.status, 'The engine gave an answer that is not JSON.');
  return body;
}
