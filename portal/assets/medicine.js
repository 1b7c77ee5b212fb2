// One medicine's page: how its stock moved, where it stands, what is wrong with it, and what happened to it.

import { replay } from '../client/replay.js';
import { AlertBoard } from './alert-board.js';
import { AlertCard } from './alert-card.js';
import { eventIsAbout } from './about.js';
import { tickTimes } from './dom.js';
import { FeedPanel } from './feed-panel.js';
import { HelpDialog, listenToKeys } from './keys.js';
import { MedicineHistory } from './medicine-history.js';
import { StockPanel } from './stock-panel.js';
import { store } from './store.js';
import { TopBar } from './top-bar.js';
import { Truth } from './truth.js';

/** @import {Envelope} from '../client/types.d.ts' */

/** A log of a very busy day is not read to its end: what is drawn begins later then. */
const PATIENCE_MS = 10_000;

const medicine = new URLSearchParams(location.search).get('medicine') ?? '';
store.about = medicine;
store.alerts.about = medicine;

customElements.define('rx-alert', AlertCard);
customElements.define('rx-alert-board', AlertBoard);
customElements.define('rx-top-bar', TopBar);
customElements.define('rx-truth', Truth);
customElements.define('rx-medicine-history', MedicineHistory);
customElements.define('rx-stock', StockPanel);
customElements.define('rx-feed', FeedPanel);
customElements.define('rx-help', HelpDialog);
listenToKeys();
setInterval(tickTimes, 10_000);

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
