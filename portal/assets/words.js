// How this page says what the engine tells: names, numbers, days and events, in the reader's language.

import { count, language, phrase, t } from './language.js';

/**
 * @import {Alert, Envelope, Fact, Severity, State} from '../client/types.d.ts'
 * @import {Sentence} from './language.js'
 */

/** @type {Severity[]} */
export const SEVERITIES = ['critical', 'high', 'warning', 'info'];

/** @type {Record<Severity, string>} */
export const SEVERITY = { critical: t('Critical'), high: t('High'), warning: t('Warning'), info: t('For information') };

/** @type {Record<string, string>} */
const RUNG = {
  out: t('Out of stock'), low: t('Low stock'), expired: t('Expired'), fault: t('A row could not be read'), interval: t('Nothing was seen for a while'),
};
/** @type {Record<string, string>} */
const KIND = {
  low_stock: t('Low stock'), projected_stockout: t('Runs out soon'), will_not_sell_before_expiry: t('Will not sell before it expires'), overstock: t('Too much in stock'),
  dead_stock: t('Does not sell'), sales_spike: t('Unusual sales'), negative_stock: t('Negative stock'), expiry: t('Expiry'), ledger_mismatch: t('Stock does not add up'),
  expired_dispense: t('Sold after its date'), fefo_violation: t('Newer lot sold first'), oversell: t('More sold than there was'), rx_missing: t('Sold without a prescription'),
  sale_stock_mismatch: t('Sale and stock disagree'), dispensing_mismatch: t('Dispensed and sold disagree'), prescription_pending: t('Prescription waits'),
  prescription_expired: t('Prescription too old'), duplicate_therapy: t('The same twice for one patient'), price_below_cost: t('Price below cost'), price_change: t('Price changed'),
  recall: t('Recalled'), recalled_dispense: t('Recalled lot sold'), sold_below_cost: t('Sold below cost'), refill_due: t('Refill due'), refill_early: t('Refilled early'),
  low_adherence: t('Taken too rarely'), cold_chain: t('Cold chain'), no_sales: t('No sales'), blind: t('Not everything was seen'), wal_kept: t('WAL kept for us'),
};
/** @type {Record<string, string>} */
const FIELD = {
  on_hand: t('on hand'), reserved: t('reserved'), available: t('available'), reorder_level: t('reorder level'), days: t('days left'), days_left: t('days left'), dte: t('days left'),
  expires: t('expiry date'), drift: t('unexplained'), price: t('price'), native_status: t('status in the app'), requires_prescription: t('needs a prescription'),
  min: t('reorder level'), max: t('at most'), order: t('to order'), cover_days: t('days of cover'), daily_use: t('used a day'), quantity: t('on hand'), ledger: t('by the movements'),
  resolves_above: t('resolves above'), lots: t('lots at fault'), text: t('what stood there'), total: t('total'), number: t('number'), lsn: t('place in the WAL'), today: t('today in the pharmacy'),
  status: t('status'), name: t('name'), category: t('category'), cost: t('cost'), lines: t('lines'), lot: t('lot'), sale: t('sale'), medicine: t('medicine'), patient: t('patient'),
  live: t('live'), starting: t('starting'), stale: t('database out of sight'), catching_up: t('catching up'),
};
/** @type {Record<string, string>} */
const SOURCE = { override: t('set here for this medicine'), app: t('from the pharmacy app'), rule: t('the rule\u2019s default') };
/** @type {Record<string, string>} */
const HISTORY = {
  alert_raised: t('Raised'), alert_changed: t('Changed'), alert_acknowledged: t('Acknowledged'), alert_snoozed: t('Snoozed'), alert_resolved: t('Resolved'),
};

/** @type {Record<State | 'waiting', string>} */
export const STATE = {
  connecting: t('Connecting'), live: t('Live'), 'catching-up': t('Catching up'), stale: t('Database out of sight'), offline: t('Not connected'), unauthorized: t('Not signed in'), closed: t('Closed'), waiting: t('Quiet'),
};

/** The locale of days: English ones stand day first, as most pharmacies write them. */
const dayLocale = language === 'en' ? 'en-GB' : language;
const number = new Intl.NumberFormat(language, { maximumFractionDigits: 3 });
const money = new Intl.NumberFormat(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const hours = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const shortDay = new Intl.DateTimeFormat(dayLocale, { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' });
const dayAndMonth = new Intl.DateTimeFormat(dayLocale, { day: 'numeric', month: 'short' });
const month = new Intl.DateTimeFormat(dayLocale, { month: 'short', year: 'numeric', timeZone: 'UTC' });

/** @param {string} word */
export const plainly = (word) => FIELD[word] ?? word.replaceAll('_', ' ');

/** What an alert is about, by the name people know it by. @param {Alert} alert */
export function subjectName({ subject: { type, id, name } }) {
  if (type === 'prescription') return t('Prescription {number}', { number: name || id });
  if (type === 'sale') return t('Sale {number}', { number: name || id });
  return type === 'patient' ? t('Patient {number}', { number: id }) : name || id;
}

/** What is wrong, in a word or three. @param {Alert} alert */
export function heading(alert) {
  return rungWord(alert.rung) ?? kindName(alert.kind);
}

/** @param {string} kind */
export const kindName = (kind) => KIND[kind] ?? capital(plainly(kind));

/** What a rung of a ladder is called; expires_30 counts days. @param {string} rung */
function rungWord(rung) {
  const within = /^expires_(\d+)$/.exec(rung)?.[1];
  return within ? count(Number(within), 'Expires within {n} day|Expires within {n} days') : RUNG[rung];
}

/** A threshold's value: for expiry it counts days, and -1 is the day after the last. @param {string} kind @param {Fact} value */
export function limit(kind, value) {
  if (kind !== 'expiry' || typeof value !== 'number') return fact(value);
  return value < 0 ? t('past its last day ({n})', { n: fact(value) }) : count(value, '{n} day|{n} days');
}

/** @param {string} source */
export const sourceName = (source) => SOURCE[source] ?? source;

/** @param {string} event */
export const historyName = (event) => HISTORY[event] ?? capital(plainly(event));

/** @param {string} text */
export const capital = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);

/** A value for reading; what is not known is said to be so, never shown as zero. @param {Fact | undefined} value */
export function fact(value) {
  if (value === null || value === undefined) return t('unknown');
  if (typeof value === 'number') return minus(number.format(value));
  if (typeof value === 'boolean') return value ? t('yes') : t('no');
  if (value === 'infinity') return t('never');
  if (/^\d{4}-\d\d-\d\d$/.test(value)) return date(value);
  if (/^\d{4}-\d\d-\d\dT/.test(value)) return moment(value);
  return value.replaceAll('on_hand', t('on hand'));
}

/** @param {string} text */
const minus = (text) => text.replace('-', '\u2212');

/** @param {number | null | undefined} n */
export const quantity = (n) => (n === null || n === undefined ? '\u2013' : minus(number.format(n)));

/** A civil day, which has no time zone. @param {string | null | undefined} day */
export function date(day) {
  if (!day) return t('no date');
  if (day === 'infinity') return t('never');
  const [y = 0, m = 1, d = 1] = day.split('-').map(Number);
  return shortDay.format(Date.UTC(y, m - 1, d));
}

/** A month in words, of a day in it. @param {string} day */
export const monthName = (day) => month.format(Date.parse(day));

/** @param {string} at */
export const clock = (at) => (at ? hours.format(new Date(at)) : '');

/** @param {string} at */
export function moment(at) {
  const then = new Date(at);
  const today = then.toDateString() === new Date().toDateString();
  return today ? hours.format(then) : `${dayAndMonth.format(then)}, ${hours.format(then).slice(0, 5)}`;
}

/** @param {string} at */
export function ago(at) {
  const s = Math.round((Date.now() - Date.parse(at)) / 1000);
  if (Number.isNaN(s)) return '';
  if (s < 5) return t('just now');
  if (s < 60) return t('{n} s ago', { n: s });
  if (s < 3600) return t('{n} min ago', { n: Math.floor(s / 60) });
  if (s < 86_400) return t('{n} h ago', { n: Math.floor(s / 3600) });
  const days = Math.floor(s / 86_400);
  return days === 1 ? t('yesterday') : count(days, '{n} day ago|{n} days ago');
}

/** @param {number | null | undefined} days */
export function daysLeft(days) {
  if (days === null || days === undefined) return t('no date');
  if (days < -1) return count(-days, 'expired {n} day ago|expired {n} days ago');
  if (days === -1) return t('expired yesterday');
  return days === 0 ? t('last day today') : count(days, '{n} day left|{n} days left');
}

/** @param {number | null | undefined} ms */
export function latency(ms) {
  if (ms === null || ms === undefined) return '\u2013';
  if (ms < 0) return '< 1 ms';
  return ms < 10 ? `${ms.toFixed(1).replace(/\.0$/, '')} ms` : ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** @param {number | null | undefined} n */
export function bytes(n) {
  if (n === null || n === undefined) return t('unknown');
  return n < 1024 ? `${n} B` : n < 1_048_576 ? `${(n / 1024).toFixed(1)} kB` : `${(n / 1_048_576).toFixed(1)} MB`;
}

/** The engine's own sentence, its dates as people write them. @param {string | undefined} message */
export const spoken = (message) => (message ?? '').replaceAll('on_hand', t('on hand')).replace(/\b\d{4}-\d\d-\d\d\b(?!T)/g, (day) => date(day).replaceAll(' ', '\u00a0'));

/** The number a person looks for first, and what it means. @param {Alert} alert @returns {{value: string, label: string, beside: string} | null} */
export function figure(alert) {
  const v = alert.values ?? {};
  const limit = v.min ?? v.reorder_level ?? alert.threshold?.value;
  const beside = typeof limit === 'number' ? t('reorder at {n}', { n: quantity(limit) }) : '';
  const show = (/** @type {string} */ key, label = plainly(key), more = '') =>
    typeof v[key] === 'number' ? { value: quantity(/** @type {number} */ (v[key])), label, beside: more } : null;
  if (alert.kind === 'low_stock') return show('available', plainly('available'), beside);
  if (alert.kind === 'negative_stock') return belowZero(alert);
  if (alert.kind === 'ledger_mismatch') return typeof v.drift === 'number' ? { value: (v.drift > 0 ? '+' : '') + quantity(v.drift), label: plainly('drift'), beside: '' } : null;
  if (alert.kind !== 'expiry') return null;
  const { days } = v;
  const onHand = v.quantity ?? v.on_hand;
  if (typeof days !== 'number') return show('quantity');
  const left = quantity(Math.abs(days));
  return { value: left, label: days < 0 ? count(-days, 'day past|days past') : count(days, 'day left|days left'), beside: typeof onHand === 'number' ? t('{n} on hand', { n: quantity(onHand) }) : '' };
}

/** What is below zero: a total, or one lot while the total hides it. @param {Alert} alert @returns {ReturnType<typeof figure>} */
function belowZero({ values = {}, why }) {
  const known = { ...values, ...why.inputs };
  const total = ['on_hand', 'reserved', 'available'].find((k) => Number(known[k] ?? 0) < 0);
  if (total) return { value: quantity(Number(known[total])), label: plainly(total), beside: '' };
  const [, lot, field, n] = /([^;,]+): .*?\b(on_hand|reserved) (-[\d.]+)/.exec(String(known.lots ?? '')) ?? [];
  return field ? { value: quantity(Number(n)), label: plainly(field), beside: t('lot {lot}', { lot: lot?.trim() ?? '' }) } : null;
}

/** What an event says to a person. @param {Envelope} event @param {boolean} [foreign] The engine says its alerts in another language. @returns {Sentence} */
export function sentence({ type, data: d }, foreign = false) {
  const alert = () => (foreign ? `${heading(/** @type {Alert} */ (d))}, ${[subjectName(/** @type {Alert} */ (d)), d.subject?.lot].filter(Boolean).join(', ')}` : spoken(d.message));
  /** @type {[string]} */ const name = [text(d.name ?? d.medicine_name ?? d.number ?? d.id)];
  /** @type {[string]} */ const document = [text(d.number ?? d.id)];
  /** @type {[string]} */ const lot = [text(d.number)];
  const medicine = text(d.medicine_name);
  /** @type {Sentence} */
  const changed = Array.isArray(d.changed) && d.changed.length ? [': ', changes(d)] : [];
  switch (type) {
    case 'stock_level_changed': return [name, ' ', ...stockMove(d)];
    case 'medicine_created': return phrase('New medicine {name}', { name });
    case 'medicine_updated': return [...phrase('{name} changed', { name }), ...changed];
    case 'medicine_deleted': return phrase('{name} was removed', { name });
    case 'lot_received': return phrase('Lot {lot} of {medicine} received: {n}, expires {day}', { lot, medicine, n: [quantity(d.on_hand)], day: date(d.expires) });
    case 'lot_updated': return [...phrase('Lot {lot} of {medicine}', { lot, medicine }), ...changed];
    case 'lot_removed': return phrase('Lot {lot} of {medicine} removed', { lot, medicine });
    case 'sale_created': return [...phrase('Sale {number} opened', { number: document }), ...lines(d)];
    case 'sale_completed': return [...phrase('Sale {number} completed', { number: document }), ...lines(d), ...(typeof d.total === 'number' ? [', ', money.format(d.total)] : [])];
    case 'sale_cancelled': return phrase('Sale {number} cancelled', { number: document });
    case 'sale_returned': return [...phrase('Sale {number} returned', { number: document }), ...lines(d)];
    case 'sale_updated': return [...phrase('Sale {number} changed', { number: document }), ...changed];
    case 'prescription_created': return [...phrase('Prescription {number} received', { number: document }), ...lines(d)];
    case 'prescription_dispensed': return [...phrase('Prescription {number} dispensed', { number: document }), ...lines(d, 'dispensed')];
    case 'prescription_status_changed': return phrase('Prescription {number} is now {status}', { number: document, status: text(d.status) });
    case 'prescription_updated': return [...phrase('Prescription {number} changed', { number: document }), ...changed];
    case 'patient_registered': return phrase('Patient {number} registered', { number: document });
    case 'patient_updated': return phrase('Patient {number} changed', { number: document });
    case 'patient_removed': return phrase('Patient {number} removed', { number: document });
    case 'alert_raised': return [[t('Alert')], ': ', alert()];
    case 'alert_changed': return [[t('Alert changed')], ': ', alert()];
    case 'alert_acknowledged': return [[d.acknowledged_by ? t('Acknowledged by {name}', { name: d.acknowledged_by }) : t('Acknowledged')], ': ', alert()];
    case 'alert_snoozed': return [[d.snoozed_until ? t('Snoozed until {time}', { time: moment(d.snoozed_until) }) : t('Snoozed')], ': ', alert()];
    case 'alert_resolved': return [[t('Resolved')], ': ', alert()];
    default: return [[capital(plainly(type))], d.message ? `: ${d.message}` : ''];
  }
}

const text = (/** @type {unknown} */ v) => (v === null || v === undefined ? '' : String(v));

/** @param {number | null | undefined} before @param {number | null | undefined} after @returns {Sentence} */
const step = (before, after) => (before === null || before === undefined ? [[quantity(after)]] : [quantity(before), ' \u2192 ', [quantity(after)]]);

/** What moved; what can be sold comes first, unless only the shelf or the reservations did. @param {Record<string, any>} d @returns {Sentence} */
function stockMove(d) {
  if (d.available === null && d.on_hand === null) return [t('is no longer in stock')];
  const only = Array.isArray(d.changed) && d.changed.length > 0 && !d.changed.includes('available') ? d.changed[0] : '';
  if (!only) return [...step(d.before?.available, d.available), ` ${plainly('available')}`];
  return [...step(d.before?.[only], d[only]), ` ${plainly(only)}, ${t('{n} available as before', { n: quantity(d.available) })}`];
}

/** @param {Record<string, any>} d @param {string} [field] The lines' field that counts. @returns {Sentence} */
function lines(d, field = 'quantity') {
  if (!Array.isArray(d.lines) || d.lines.length === 0) return [];
  const [first] = d.lines;
  const amount = first[field] ?? first.quantity;
  if (d.lines.length === 1) return [': ', amount === undefined ? '' : `${quantity(amount)} \u00d7 `, text(first.medicine_name)];
  return [', ', count(d.lines.length, '{n} line|{n} lines')];
}

/** @param {Record<string, any>} d */
function changes(d) {
  const shown = d.changed.slice(0, 3).map((/** @type {string} */ f) => {
    if (f === 'lines' || !d.after || !(f in d.after)) return plainly(f);
    const was = d.before && f in d.before ? `${fact(d.before[f])} \u2192 ` : '';
    return `${plainly(f)} ${was}${fact(d.after[f])}`;
  });
  return shown.join(', ') + (d.changed.length > 3 ? t(' and {n} more', { n: d.changed.length - 3 }) : '');
}
