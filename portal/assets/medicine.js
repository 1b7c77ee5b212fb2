// One medicine's page: how its stock moved, where it stands, what is wrong with it, and what happened to it.

import { replay } from '../client/replay.js';
import { eventIsAbout } from './about.js';
import { frame } from './frame.js';
import { MedicineHistory } from './medicine-history.js';
import { store } from './store.js';

/** @import {Envelope} from '../client/types.d.ts' */

/** A log of a very busy day is not read to its end: what is drawn begins later then. */
const PATIENCE_MS = 10_000;

const medicine = new URLSearchParams(location.search).get('medicine') ?? '';
store.about = medicine;
store.alerts.about = medicine;

frame({ 'rx-medicine-history': MedicineHistory });

let shown = '';
store.read(['tenant'], () => {
  const { tenant } = store;
  if (!tenant || tenant.id === shown) return;
  if (shown) return location.assign(`/?tenant=${encodeURIComponent(tenant.subdomain || tenant.id)}`); // another pharmacy has other medicines
  shown = tenant.id;
  store.stock.open(medicine, '');
  void remember(tenant.id);
});

/** Reads what the engine's log still has of this medicine. @param {string} tenant */
async function remember(tenant) {
  /** @type {Envelope[]} */
  const past = [];
  try {
    for await (const event of replay({ tenant }, { signal: AbortSignal.timeout(PATIENCE_MS) })) if (eventIsAbout(event, medicine)) past.push(event);
  } catch {
    // What came until then is shown: the chart says itself since when.
  }
  store.recall(past);
}

void store.start();
