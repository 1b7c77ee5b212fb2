// Everything this page says in words, in one place: another language replaces this file and nothing else.

/** @import {Alert, Envelope, Fact, Severity, State} from '../client/types.d.ts' */

/** @type {Severity[]} */
export const SEVERITIES = ['critical', 'high', 'warning', 'info'];

/** @type {Record<Severity, string>} */
export const SEVERITY = { critical: 'Critical', high: 'High', warning: 'Warning', info: 'For information' };

/** @type {Record<string, string>} */
const RUNG = {
  out: 'Out of stock', low: 'Low stock', expired: 'Expired', expires_7: 'Expires within 7 days', expires_30: 'Expires within 30 days',
  fault: 'A row could not be read', interval: 'Nothing was seen for a while',
  expires_60: 'Expires within 60 days', expires_90: 'Expires within 90 days',
};
/** @type {Record<string, string>} */
const KIND = {
  low_stock: 'Low stock', expiry: 'Expiry', negative_stock: 'Negative stock', ledger_mismatch: 'Stock does not add up', blind: 'Not everything was seen', wal_kept: 'WAL kept for us',
};
/** @type {Record<string, string>} */
const FIELD = {
  on_hand: 'on hand', reserved: 'reserved', available: 'available', reorder_level: 'reorder level', days: 'days left', days_left: 'days left', dte: 'days left',
  expires: 'expiry date', drift: 'unexplained', price: 'price', native_status: 'status in the app', requires_prescription: 'needs a prescription',
  min: 'reorder level', quantity: 'on hand', ledger: 'by the movements', resolves_above: 'resolves above', lots: 'lots at fault', text: 'what stood there',
  total: 'total', number: 'number', lsn: 'place in the WAL', today: 'today in the pharmacy',
};
/** @type {Record<string, string>} */
const SOURCE = { override: 'set here for this medicine', app: 'from the pharmacy app', rule: "the rule's default" };
/** @type {Record<string, string>} */
const HISTORY = {
  alert_raised: 'Raised', alert_changed: 'Changed', alert_acknowledged: 'Acknowledged', alert_snoozed: 'Snoozed', alert_resolved: 'Resolved',
};

/** @type {Record<State | 'waiting', string>} */
export const STATE = {
  connecting: 'Connecting', live: 'Live', 'catching-up': 'Catching up', stale: 'Database out of sight', offline: 'Not connected', unauthorized: 'Not signed in', closed: 'Closed', waiting: 'Quiet',
};

const number = new Intl.NumberFormat('en', { maximumFractionDigits: 3 });
const money = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const hours = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const shortDay = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' });

/** @param {string} word */
export const plainly = (word) => FIELD[word] ?? word.replaceAll('_', ' ');

/** What is wrong, in a word or three. @param {Alert} alert */
export function heading(alert) {
  return RUNG[alert.rung] ?? KIND[alert.kind] ?? capital(plainly(alert.kind));
}

/** @param {string} rung */
export const rungName = (rung) => RUNG[rung] ?? capital(plainly(rung));

/** A threshold's value: for expiry it counts days, and -1 is the day after the last. @param {string} kind @param {Fact} value */
export function limit(kind, value) {
  if (kind !== 'expiry' || typeof value !== 'number') return fact(value);
  return value < 0 ? `past its last day (${fact(value)})` : `${fact(value)} days`;
}

/** @param {string} source */
export const sourceName = (source) => SOURCE[source] ?? source;

/** @param {string} event */
export const historyName = (event) => HISTORY[event] ?? capital(plainly(event));

/** @param {string} text */
export const capital = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);

/** A value for reading; what is not known is said to be so, never shown as zero. @param {Fact | undefined} value */
export function fact(value) {
  if (value === null || value === undefined) return 'unknown';
  if (typeof value === 'number') return minus(number.format(value));
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (value === 'infinity') return 'never';
  if (/^\d{4}-\d\d-\d\d$/.test(value)) return date(value);
  if (/^\d{4}-\d\d-\d\dT/.test(value)) return moment(value);
  return value.replaceAll('on_hand', 'on hand');
}

/** @param {string} text */
const minus = (text) => text.replace('-', '\u2212');

/** @param {number | null | undefined} n */
export const quantity = (n) => (n === null || n === undefined ? '\u2013' : minus(number.format(n)));

/** A civil day, which has no time zone. @param {string | null | undefined} day */
export function date(day) {
  if (!day) return 'no date';
  if (day === 'infinity') return 'never';
  const [y = 0, m = 1, d = 1] = day.split('-').map(Number);
  return shortDay.format(Date.UTC(y, m - 1, d));
}

/** @param {string} at */
export const clock = (at) => (at ? hours.format(new Date(at)) : '');

/** @param {string} at */
export function moment(at) {
  const then = new Date(at);
  const today = then.toDateString() === new Date().toDateString();
  return today ? hours.format(then) : `${then.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })}, ${hours.format(then).slice(0, 5)}`;
}

/** @param {string} at */
export function ago(at) {
  const s = Math.round((Date.now() - Date.parse(at)) / 1000);
  if (Number.isNaN(s)) return '';
  if (s < 5) return 'just now';
  if (s < 60) return `${s} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ago`;
  const days = Math.floor(s / 86_400);
  return days === 1 ? 'yesterday' : `${days} days ago`;
}

/** @param {number | null | undefined} days */
export function daysLeft(days) {
  if (days === null || days === undefined) return 'no date';
  if (days < -1) return `expired ${-days} days ago`;
  if (days === -1) return 'expired yesterday';
  if (days === 0) return 'last day today';
  return days === 1 ? '1 day left' : `${number.format(days)} days left`;
}

/** @param {number | null | undefined} ms */
export function latency(ms) {
  if (ms === null || ms === undefined) return '\u2013';
  if (ms < 0) return '< 1 ms';
  return ms < 10 ? `${ms.toFixed(1).replace(/\.0$/, '')} ms` : ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** @param {number | null | undefined} n */
export function bytes(n) {
  if (n === null || n === undefined) return 'unknown';
  return n < 1024 ? `${n} B` : n < 1_048_576 ? `${(n / 1024).toFixed(1)} kB` : `${(n / 1_048_576).toFixed(1)} MB`;
}

/** @param {number} count @param {string} one @param {string} [many] */
export const plural = (count, one, many = `${one}s`) => `${number.format(count)} ${count === 1 ? one : many}`;

/** The engine's own sentence, its dates as people write them. @param {string | undefined} message */
export const spoken = (message) => (message ?? '').replaceAll('on_hand', 'on hand').replace(/\b\d{4}-\d\d-\d\d\b(?!T)/g, (day) => date(day).replaceAll(' ', '\u00a0'));

/** The number a person looks for first, and what it means. @param {Alert} alert @returns {{value: string, label: string, beside: string} | null} */
export function figure(alert) {
  const v = alert.values ?? {};
  const limit = v.min ?? v.reorder_level ?? alert.threshold?.value;
  const beside = typeof limit === 'number' ? `reorder at ${quantity(limit)}` : '';
  const show = (/** @type {string} */ key, label = plainly(key), more = '') =>
    typeof v[key] === 'number' ? { value: quantity(/** @type {number} */ (v[key])), label, beside: more } : null;
  if (alert.kind === 'low_stock') return show('available', 'available', beside);
  if (alert.kind === 'negative_stock') return belowZero(alert);
  if (alert.kind === 'ledger_mismatch') return typeof v.drift === 'number' ? { value: (v.drift > 0 ? '+' : '') + quantity(v.drift), label: plainly('drift'), beside: '' } : null;
  if (alert.kind !== 'expiry') return null;
  const { days } = v;
  const onHand = v.quantity ?? v.on_hand;
  if (typeof days !== 'number') return show('quantity');
  const left = quantity(Math.abs(days));
  return { value: left, label: days < 0 ? (days === -1 ? 'day past' : 'days past') : days === 1 ? 'day left' : 'days left', beside: typeof onHand === 'number' ? `${quantity(onHand)} on hand` : '' };
}

/** What is below zero: a total, or one lot while the total hides it. @param {Alert} alert @returns {ReturnType<typeof figure>} */
function belowZero({ values = {}, why }) {
  const known = { ...values, ...why.inputs };
  const total = ['on_hand', 'reserved', 'available'].find((k) => Number(known[k] ?? 0) < 0);
  if (total) return { value: quantity(Number(known[total])), label: plainly(total), beside: '' };
  const [, lot, field, n] = /([^;,]+): .*?\b(on_hand|reserved) (-[\d.]+)/.exec(String(known.lots ?? '')) ?? [];
  return field ? { value: quantity(Number(n)), label: plainly(field), beside: `lot ${lot?.trim()}` } : null;
}

/** A sentence in pieces; those in an array are names or numbers to stress. @typedef {(string | [string])[]} Sentence */

/** What an event says to a person. @param {Envelope} event @returns {Sentence} */
export function sentence({ type, data: d }) {
  const name = [String(d.name ?? d.medicine_name ?? d.number ?? d.id ?? '')];
  /** @type {Sentence} */
  const changed = Array.isArray(d.changed) && d.changed.length ? [': ', changes(d)] : [];
  switch (type) {
    case 'stock_level_changed':
      return [/** @type {[string]} */ (name), ' ', ...stockMove(d)];
    case 'medicine_created': return ['New medicine ', /** @type {[string]} */ (name)];
    case 'medicine_updated': return [/** @type {[string]} */ (name), ' changed', ...changed];
    case 'medicine_deleted': return [/** @type {[string]} */ (name), ' was removed'];
    case 'lot_received': return ['Lot ', [text(d.number)], ' of ', text(d.medicine_name), ' received: ', [quantity(d.on_hand)], ', expires ', date(d.expires)];
    case 'lot_updated': return ['Lot ', [text(d.number)], ' of ', text(d.medicine_name), ...changed];
    case 'lot_removed': return ['Lot ', [text(d.number)], ' of ', text(d.medicine_name), ' removed'];
    case 'sale_created': return ['Sale ', [text(d.number ?? d.id)], ' opened', ...lines(d)];
    case 'sale_completed': return ['Sale ', [text(d.number ?? d.id)], ' completed', ...lines(d), ...(typeof d.total === 'number' ? [', ', money.format(d.total)] : [])];
    case 'sale_cancelled': return ['Sale ', [text(d.number ?? d.id)], ' cancelled'];
    case 'sale_returned': return ['Sale ', [text(d.number ?? d.id)], ' returned', ...lines(d)];
    case 'sale_updated': return ['Sale ', [text(d.number ?? d.id)], ' changed', ...changed];
    case 'prescription_created': return ['Prescription ', [text(d.number ?? d.id)], ' received', ...lines(d)];
    case 'prescription_dispensed': return ['Prescription ', [text(d.number ?? d.id)], ' dispensed', ...lines(d, 'dispensed')];
    case 'prescription_status_changed': return ['Prescription ', [text(d.number ?? d.id)], ' is now ', text(d.status)];
    case 'prescription_updated': return ['Prescription ', [text(d.number ?? d.id)], ' changed', ...changed];
    case 'patient_registered': return ['Patient ', [text(d.number ?? d.id)], ' registered'];
    case 'patient_updated': return ['Patient ', [text(d.number ?? d.id)], ' changed'];
    case 'patient_removed': return ['Patient ', [text(d.number ?? d.id)], ' removed'];
    case 'alert_raised': return [['Alert'], ': ', spoken(d.message)];
    case 'alert_changed': return [['Alert changed'], ': ', spoken(d.message)];
    case 'alert_acknowledged': return [['Acknowledged'], d.acknowledged_by ? ` by ${d.acknowledged_by}: ` : ': ', spoken(d.message)];
    case 'alert_snoozed': return [['Snoozed'], d.snoozed_until ? ` until ${moment(d.snoozed_until)}: ` : ': ', spoken(d.message)];
    case 'alert_resolved': return [['Resolved'], ': ', spoken(d.message)];
    default: return [[capital(plainly(type))], d.message ? `: ${d.message}` : ''];
  }
}

const text = (/** @type {unknown} */ v) => (v === null || v === undefined ? '' : String(v));

/** @param {number | null | undefined} before @param {number | null | undefined} after @returns {Sentence} */
const step = (before, after) => (before === null || before === undefined ? [[quantity(after)]] : [quantity(before), ' \u2192 ', [quantity(after)]]);

/** What moved; what can be sold comes first, unless only the shelf or the reservations did. @param {Record<string, any>} d @returns {Sentence} */
function stockMove(d) {
  if (d.available === null && d.on_hand === null) return ['is no longer in stock'];
  const only = Array.isArray(d.changed) && d.changed.length > 0 && !d.changed.includes('available') ? d.changed[0] : '';
  if (!only) return [...step(d.before?.available, d.available), ' available'];
  return [...step(d.before?.[only], d[only]), ` ${plainly(only)}, ${quantity(d.available)} available as before`];
}

/** @param {Record<string, any>} d @param {string} [count] The lines' field that counts. @returns {Sentence} */
function lines(d, count = 'quantity') {
  if (!Array.isArray(d.lines) || d.lines.length === 0) return [];
  const [first] = d.lines;
  const amount = first[count] ?? first.quantity;
  if (d.lines.length === 1) return [': ', amount === undefined ? '' : `${quantity(amount)} \u00d7 `, text(first.medicine_name)];
  return [', ', plural(d.lines.length, 'line')];
}

/** @param {Record<string, any>} d */
function changes(d) {
  const shown = d.changed.slice(0, 3).map((/** @type {string} */ f) => {
    if (f === 'lines' || !d.after || !(f in d.after)) return plainly(f);
    const was = d.before && f in d.before ? `${fact(d.before[f])} \u2192 ` : '';
    return `${plainly(f)} ${was}${fact(d.after[f])}`;
  });
  return shown.join(', ') + (d.changed.length > 3 ? ` and ${d.changed.length - 3} more` : '');
}
