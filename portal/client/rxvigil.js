// rxvigil's portal client: a pharmacy's committed changes and alerts, live, in one import and without dependencies.
//
//   import { connect, rest } from '/client/rxvigil.js';
//   const live = connect({ tenant: 'testpharmacy' });
//   live.on('state', ({ state }) => show(state));
//   live.on('alert_raised', (event) => add(event.data));
//   live.on('resync', () => refetch());

import { Connection } from './connection.js';
import { canShare, Tabs } from './tabs.js';

/** @import {Options} from './types.d.ts' */

export { Connection, HEARTBEAT_MS, WATCHDOG_MS } from './connection.js';
export { isAfter } from './cursor.js';
export { TakenBack } from './optimistic.js';
export { RequestError, rest, tenants } from './rest.js';
export { Tabs } from './tabs.js';

/**
 * Opens a tenant's stream and keeps it open until `close`; with `share`, one stream for all tabs of the browser.
 * @param {Options} options
 * @returns {Connection | Tabs}
 */
export function connect(options) {
  return options.share && canShare() ? new Tabs(options) : new Connection(options);
}
