// Which events and alerts are about one medicine.

/** @import {Alert, Envelope} from '../client/types.d.ts' */

/** @param {Alert} alert @param {string} medicine */
export function alertIsAbout({ subject }, medicine) {
  return (subject.type === 'medicine' && subject.id === medicine) || subject.medicine === medicine;
}

/** @param {Envelope} event @param {string} medicine */
export function eventIsAbout({ type, topic, data: d }, medicine) {
  if (type.startsWith('alert_')) return alertIsAbout(/** @type {Alert} */ (d), medicine);
  if (topic === 'inventory') return (type.startsWith('lot_') ? d.medicine : d.id) === medicine;
  return Array.isArray(d.lines) && d.lines.some((/** @type {{medicine?: string}} */ l) => l.medicine === medicine);
}
