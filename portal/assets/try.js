// What travels, as it travels: a connection on each way, as any role, frame by frame. Nothing is reconnected or repaired here.

import { RequestError, tenants } from '../client/rest.js';
import { parser } from '../client/sse.js';
import { fill, h } from './dom.js';

const SHOWN = 200;
const RECORD = '\u001e';
const PING_MS = 15_000;

/** @param {string} id @returns {any} */
const get = (id) => document.getElementById(id);
const value = (/** @type {string} */ id) => String(get(id).value).trim();

/** @type {AbortController | undefined} */
let open;

/** @param {string} name @param {string} text @param {boolean} [own] Said by this page. */
function show(name, text, own = false) {
  const at = new Date();
  const row = h('li', { class: own ? 'own' : null, 'data-frame': name },
    h('time', { datetime: at.toISOString() }, at.toLocaleTimeString([], { hour12: false })), h('strong', null, own ? `\u2192 ${name}` : name), h('code', null, text));
  get('frames').prepend(row);
  get('frames').children[SHOWN]?.remove();
}

/** @param {string} text @param {boolean} connected */
function state(text, connected) {
  get('state').textContent = text;
  get('state').dataset.connected = String(connected);
  get('connect').disabled = connected;
  get('end').disabled = !connected;
}

/** @returns {Record<string, string>} */
const credentials = () => (value('token') ? { Authorization: `Bearer ${value('token')}` } : {});

/** @param {string} path @param {Record<string, string>} query */
function address(path, query) {
  const url = new URL(path, location.href);
  for (const [k, v] of Object.entries(query)) if (v) url.searchParams.set(k, v);
  return url;
}

/** What an answer that is not yes says. @param {Response} response */
async function refusal(response) {
  const text = await response.text();
  show(`HTTP ${response.status}`, text);
  return `Refused with ${response.status}`;
}

/** @param {URL} url @param {AbortSignal} signal */
async function stream(url, signal) {
  const response = await fetch(url, { headers: { Accept: 'text/event-stream', ...credentials() }, cache: 'no-store', signal });
  if (!response.ok || !response.body) return refusal(response);
  state('Connected', true);
  const feed = parser(({ event, data, id }) => show(event, `${id ? `id: ${id}\n` : ''}${data}`), (ms) => show('retry', String(ms)));
  const reader = response.body.pipeThrough(/** @type {any} */ (new TextDecoderStream())).getReader();
  for (;;) {
    const { done, value: text } = await reader.read();
    if (done) return 'The engine ended the stream';
    feed(/** @type {any} */ (text));
  }
}

/** A socket until it ends. @param {URL} url @param {AbortSignal} signal @param {string | undefined} protocol @param {(socket: WebSocket) => void} begin @param {(text: string, socket: WebSocket) => void} take @returns {Promise<string>} */
function socket(url, signal, protocol, begin, take) {
  url.protocol = url.protocol.replace('http', 'ws');
  const ws = new WebSocket(url, protocol);
  signal.addEventListener('abort', () => ws.close());
  ws.onopen = () => {
    state('Connected', true);
    begin(ws);
  };
  ws.onmessage = ({ data }) => take(String(data), ws);
  return new Promise((resolve) => (ws.onclose = ({ code, reason }) => resolve(`Closed with ${code}${reason && `: ${reason}`}`)));
}

/** A ticket stands for a token where no header can be sent. @param {AbortSignal} signal */
async function ticket(signal) {
  if (!value('token')) return '';
  const response = await fetch('/api/tickets', { method: 'POST', headers: credentials(), signal });
  if (!response.ok) throw new Error(await refusal(response));
  return (await response.json()).ticket;
}

/** @param {string} topics */
const listed = (topics) => (topics ? topics.split(/[\s,]+/) : undefined);

/** @param {AbortSignal} signal */
async function connect(signal) {
  const tenant = encodeURIComponent(value('tenant'));
  const [after, topics] = [value('after'), value('topics')];
  switch (value('way')) {
    case 'ws': {
      const url = address(`/api/tenant/${tenant}/ws`, { ticket: await ticket(signal) });
      return socket(url, signal, 'rxvigil.v1', (ws) => {
        const text = JSON.stringify({ op: 'subscribe', topics: listed(topics), after: after || undefined });
        show('subscribe', text, true);
        ws.send(text);
      }, (text) => {
        const frame = JSON.parse(text);
        show(frame.op ?? frame.type, text);
      });
    }
    case 'hub': {
      const path = `/hubs/${value('hub')}`;
      const asked = { tenant: value('tenant'), topics, after };
      const response = await fetch(address(`${path}/negotiate`, { ...asked, negotiateVersion: '1' }), { method: 'POST', headers: credentials(), signal });
      if (!response.ok) return refusal(response);
      const negotiated = await response.json();
      show('negotiate', JSON.stringify(negotiated));
      /** @type {ReturnType<typeof setInterval> | undefined} */
      let ping;
      signal.addEventListener('abort', () => clearInterval(ping));
      return socket(address(path, { ...asked, id: negotiated.connectionToken, access_token: value('token') }), signal, undefined, (ws) => {
        const text = '{"protocol":"json","version":1}';
        show('handshake', text, true);
        ws.send(text + RECORD);
        ping = setInterval(() => ws.send(`{"type":6}${RECORD}`), PING_MS);
      }, (text) => {
        for (const record of text.split(RECORD)) {
          if (!record) continue;
          const frame = JSON.parse(record);
          show(frame.target ?? (frame.type === 6 ? 'ping' : frame.type === 7 ? 'close' : 'handshake'), record);
        }
      }).finally(() => clearInterval(ping));
    }
    case 'live-monitor':
      return stream(address(`/api/tenant/${tenant}/medicines/live-monitor`, { after }), signal);
    default:
      return stream(address(`/api/tenant/${tenant}/stream`, { topics, after }), signal);
  }
}

get('form').addEventListener('submit', async (/** @type {Event} */ event) => {
  event.preventDefault();
  const mine = new AbortController();
  open = mine;
  fill(get('frames'));
  state('Connecting', true);
  const end = await connect(mine.signal).catch((error) => (mine.signal.aborted ? 'Disconnected' : String(error.message ?? error)));
  if (open === mine) state(mine.signal.aborted ? 'Disconnected' : end, false);
});
get('end').addEventListener('click', () => open?.abort());

get('sample').addEventListener('submit', async (/** @type {Event} */ event) => {
  event.preventDefault();
  const say = (/** @type {string} */ text) => (get('sent').textContent = text);
  try {
    const body = JSON.stringify({ type: value('type'), data: JSON.parse(value('data')) });
    const response = await fetch(`/api/tenant/${encodeURIComponent(value('tenant'))}/events`, { method: 'POST', headers: { 'Content-Type': 'application/json', ...credentials() }, body });
    say(response.ok ? `Taken at ${(await response.json()).cursor}` : await refusal(response));
  } catch (error) {
    say(error instanceof SyntaxError ? 'The data is no JSON.' : 'The engine cannot be reached.');
  }
});

try {
  const all = await tenants();
  fill(get('tenant'), ...all.map((t) => h('option', { value: t.subdomain || t.id }, t.name)));
  const asked = new URLSearchParams(location.search).get('tenant');
  if (asked) get('tenant').value = asked;
} catch (error) {
  state(error instanceof RequestError ? error.message : 'Something on this page went wrong.', false);
}
