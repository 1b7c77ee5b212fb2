// The stream over a WebSocket, for networks whose proxies hold an event stream back. Same frames, other envelope.

/**
 * @import {Options} from './types.d.ts'
 *
 * @typedef {object} Heard  What a socket tells its connection.
 * @property {(event: string, body: any, id: string | undefined) => void} frame
 * @property {(reason: string, unauthorized: boolean) => void} end  Once, unless it was aborted.
 */

const SUBPROTOCOL = 'rxvigil.v1';
const UNAUTHORIZED = 4401;

/** Whether there are WebSockets here. @param {Options} options */
export function hasSockets(options) {
  return typeof (options.WebSocket ?? globalThis.WebSocket) === 'function';
}

/**
 * Opens one and subscribes; the first frame told is `connection_established`, with what the subscription came to.
 * @param {Options} options
 * @param {string | undefined} after
 * @param {AbortSignal} signal
 * @param {Heard} heard
 */
export async function openSocket(options, after, signal, heard) {
  const { url = '', tenant, topics, branch, headers, fetch = globalThis.fetch } = options;
  const at = new URL(`${url}/api/tenant/${encodeURIComponent(tenant)}/ws`, globalThis.location?.href);
  at.protocol = at.protocol.replace('http', 'ws');
  const own = await headers?.();
  if (own && Object.keys(own).length > 0) {
    // A WebSocket of a browser sends no headers: a ticket, good for one use, stands for them.
    const response = await fetch(`${url}/api/tickets`, { method: 'POST', headers: own, signal });
    if (response.status === 401 || response.status === 403) return heard.end('The engine wants to know who asks.', true);
    if (!response.ok) return heard.end(`The engine answered ${response.status}.`, false);
    at.searchParams.set('ticket', (await response.json()).ticket);
  }
  if (signal.aborted) return;
  const Socket = options.WebSocket ?? globalThis.WebSocket;
  const socket = new Socket(at.href, SUBPROTOCOL);
  signal.addEventListener('abort', () => socket.close());
  /** @type {any} */
  let established;
  socket.onmessage = ({ data }) => {
    if (signal.aborted) return;
    let body;
    try {
      body = JSON.parse(data);
    } catch {
      return heard.frame('resync', { reason: 'The engine sent a frame that cannot be read.' }, undefined);
    }
    switch (body.op) {
      case undefined:
        return heard.frame(body.type, body, body.id);
      case 'connection_established':
        established = body;
        return socket.send(JSON.stringify({ op: 'subscribe', id: 'begin', after, topics, branch }));
      case 'ok':
        if (body.id === 'begin') heard.frame('connection_established', { ...established, resumed: body.resumed, cursor: body.cursor ?? null }, undefined);
        return;
      case 'error':
        if (body.id === 'begin') socket.close(1000, body.detail ?? body.title);
        return;
      default:
        heard.frame(body.op, body, undefined);
    }
  };
  socket.onclose = ({ code, reason }) => {
    if (!signal.aborted) heard.end(reason ? `The engine closed the connection: ${reason}.` : 'The connection broke.', code === UNAUTHORIZED);
  };
}
