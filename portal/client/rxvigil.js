// rxvigil's portal client: a pharmacy's committed changes and alerts, live, in one import and without dependencies.
//
//   import { connect, rest } from '/client/rxvigil.js';
//   const live = connect({ tenant: 'testpharmacy' });
//   live.on('state', ({ state }) => show(state));
//   live.on('alert_raised', (event) => add(event.data));
//   live.on('resync', () => refetch());

import { Connection } from './connection.js';

/** @import {Options} from './types.d.ts' */

export { Connection, HEARTBEAT_MS, WATCHDOG_MS } from './connection.js';
export { isAfter } from './cursor.js';
export { RequestError, rest, tenants } from './rest.js';

/**
 * Opens a tenant's stream and keeps it open until `close`.
 * @param {Options} options
 */
export function connect(options) {
  return new Connection(options);
}
