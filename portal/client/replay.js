// What already happened: the events that the engine's log still has, once, up to now.

import { isAfter } from './cursor.js';
import { RequestError } from './rest.js';
import { parser } from './sse.js';

/** @import {Envelope, Options} from './types.d.ts' */

/** The log is read without a pause: this much quiet means that nothing more is in it. */
const QUIET_MS = 1_000;

/**
 * Gives a tenant's events after a cursor, the oldest first, and ends at the present. The log goes back as far as the engine is told to
 * keep it, a day by default.
 * @param {Options} options  Of these `after` defaults to "earliest".
 * @param {{types?: string[], until?: string, signal?: AbortSignal}} [wanted]  Only these types; no further than that cursor, as a list carries one.
 * @returns {AsyncGenerator<Envelope, void>}
 */
export async function* replay(options, { types = [], until = '', signal } = {}) {
  const { url = '', tenant, topics = [], branch = '', after = 'earliest', headers, fetch = globalThis.fetch } = options;
  const ended = new AbortController();
  const query = new URLSearchParams({ after });
  for (const [name, value] of [['topics', topics.join()], ['types', types.join()], ['branch', branch]]) if (name && value) query.set(name, value);
  const response = await fetch(`${url}/api/tenant/${encodeURIComponent(tenant)}/stream?${query}`, {
    headers: { Accept: 'text/event-stream', ...(await headers?.()) }, cache: 'no-store', signal: signal ? AbortSignal.any([signal, ended.signal]) : ended.signal,
  });
  if (!response.ok || !response.body) throw new RequestError(response.status, `The engine answered ${response.status}.`);
  const reader = response.body.pipeThrough(/** @type {any} */ (new TextDecoderStream())).getReader();
  /** @type {Envelope[]} */
  let come = [];
  let over = false;
  const feed = parser(({ event, data }) => {
    const body = JSON.parse(data);
    if (event === 'heartbeat' || event === 'resync' || event === 'bye') over = true;
    else if (event !== 'connection_established' && typeof body.topic === 'string') come.push(body);
  });
  try {
    while (!over) {
      const { done, value } = await within(reader.read(), QUIET_MS);
      if (done) return;
      feed(value);
      for (const event of come) {
        if (until && isAfter(event.id, until)) return;
        yield event;
      }
      come = [];
    }
  } finally {
    ended.abort();
  }
}

/** A read, or the end of what is there after so long. @param {Promise<{done: boolean, value?: any}>} read @param {number} ms */
async function within(read, ms) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  read.catch(() => undefined); // what is cut off by us is nobody's failure
  const quiet = new Promise((/** @type {(end: {done: boolean, value?: any}) => void} */ resolve) => (timer = setTimeout(() => resolve({ done: true }), ms)));
  try {
    return await Promise.race([read, quiet]);
  } finally {
    clearTimeout(timer);
  }
}
