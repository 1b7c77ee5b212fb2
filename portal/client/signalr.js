// For portals that speak Microsoft's SignalR client: an endless, jittered retry policy, and resuming without a gap or a repeat.
//
//   const resume = new Resume();
//   const hub = new signalR.HubConnectionBuilder().withUrl('/hubs/inventory').withAutomaticReconnect(resume).build();
//   hub.on('StockLevelChanged', (stock) => …);
//   await resume.start(hub);

import { Backoff } from './backoff.js';

/** @import {HubConnection} from './types.d.ts' */

const TARGETS = [
  'ReceiveNotification', 'LowStockAlert', 'ExpiryAlert', 'StockLevelChanged', 'ProductAdded', 'ProductUpdated', 'ProductDeleted',
  'LotReceived', 'LotUpdated', 'LotRemoved', 'NewSale', 'SaleCompleted', 'SaleCancelled', 'SaleReturned', 'SaleUpdated',
  'NewPrescription', 'PrescriptionStatusChanged', 'PrescriptionUpdated', 'PatientRegistered', 'PatientUpdated', 'PatientRemoved',
];

/** A retry policy that never gives up, and the cursor that a connection goes on from. One serves one connection. */
export class Resume {
  #backoff = new Backoff();
  /** What the server asked for in its goodbye, in ms. */
  #pause = 0;
  #point = () => {};

  /** @param {string} [after] the cursor to begin after; without it the connection begins with what happens next */
  constructor(after = '') {
    this.cursor = after;
  }

  /**
   * SignalR asks this before each try. Its own policy gives up after 42 s, and has every portal try at the same instants.
   * @param {{ previousRetryCount: number }} context
   */
  nextRetryDelayInMilliseconds({ previousRetryCount }) {
    if (previousRetryCount > 0) this.#point(); // a try that failed may have brought events all the same
    const pause = this.#pause || this.#backoff.next();
    this.#pause = 0;
    return pause;
  }

  /**
   * Starts a connection, trying until it succeeds, and sees to it that it resumes where it was whenever it is lost.
   * @param {HubConnection} hub
   */
  async start(hub) {
    const url = new URL(hub.baseUrl, globalThis.location?.href);
    this.#point = () => {
      url.searchParams.set('after', this.cursor);
      hub.baseUrl = url.href;
    };
    for (const target of TARGETS) hub.on(target, (_, event) => (this.cursor = event.id));
    for (const target of ['ConnectionEstablished', 'Heartbeat', 'Resync']) hub.on(target, (frame) => (this.cursor = frame.cursor ?? this.cursor));
    hub.on('Heartbeat', () => this.#backoff.reset());
    hub.on('Bye', (frame) => (this.#pause = frame.retry_after_ms));
    hub.onreconnecting(this.#point);
    for (;;) {
      this.#point();
      try {
        return await hub.start();
      } catch {
        await new Promise((r) => setTimeout(r, this.#backoff.next()));
      }
    }
  }
}
