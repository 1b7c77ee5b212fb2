// The open alerts as portal B's hook has them: medicines that are low, lots that expire.

/**
 * @import {Alert} from './types.d.ts'
 *
 * @typedef {'critical' | 'warning' | 'info'} Urgency
 * @typedef {object} StockAlert
 * @property {string} id  The medicine's.
 * @property {string} name
 * @property {number | null} currentStock  What is available; null: not known.
 * @property {number | null} minStockLevel
 * @property {Urgency} urgency  critical at 0, else warning.
 * @property {string | null} branchId
 *
 * @typedef {object} ExpiryAlert
 * @property {string} id  The medicine's.
 * @property {string} name
 * @property {string | null} expiryDate  YYYY-MM-DD
 * @property {number | null} daysUntilExpiry  Negative once expired.
 * @property {Urgency} urgency  critical up to 7 days, warning up to 30.
 * @property {string} batchNumber
 * @property {string | null} branchId
 */

const DAY_MS = 86_400_000;

/** @param {readonly Alert[]} alerts @returns {StockAlert[]} */
export function stockAlerts(alerts) {
  return alerts.filter((a) => a.kind === 'low_stock').map((a) => {
    const stock = number(a.values?.available);
    return { id: a.subject.id, name: a.subject.name, currentStock: stock, minStockLevel: number(a.values?.min), urgency: stock !== null && stock <= 0 ? 'critical' : 'warning', branchId: a.branch };
  });
}

/**
 * Days count from the civil day where the pharmacy is; without a zone, from the reader's.
 * @param {readonly Alert[]} alerts @param {string} [zone] An IANA name. @param {Date} [now]
 * @returns {ExpiryAlert[]}
 */
export function expiryAlerts(alerts, zone, now = new Date()) {
  // The Swedish way of writing a date is that of ISO 8601.
  const today = Date.parse(new Intl.DateTimeFormat('sv-SE', { timeZone: zone || undefined, year: 'numeric', month: '2-digit', day: '2-digit' }).format(now));
  return alerts.filter((a) => a.kind === 'expiry').map((a) => {
    const date = typeof a.values?.expires === 'string' ? a.values.expires : null;
    const at = date && /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(date) : NaN;
    const days = Number.isFinite(at) ? Math.round((at - today) / DAY_MS) : null;
    return {
      id: a.subject.medicine || a.subject.id, name: a.subject.name, expiryDate: date, daysUntilExpiry: days,
      urgency: days === null || days > 30 ? 'info' : days <= 7 ? 'critical' : 'warning', batchNumber: a.subject.lot ?? '', branchId: a.branch,
    };
  });
}

/** @param {unknown} value */
const number = (value) => (typeof value === 'number' ? value : null);
