// The state of the connection in one word, and behind it the figures that prove it.

import { fill, h, say, set } from './dom.js';
import { t } from './language.js';
import { store } from './store.js';
import { bytes, capital, latency, moment, plainly, quantity, STATE } from './words.js';

/** Heartbeats come every 10 s; a little after that, silence is worth saying even before the watchdog acts. */
const LATE_MS = 13_000;

/** What may be claimed at this moment: never more than the stream and the engine both say. */
export function claim() {
  const { state } = store.link;
  const engine = store.stats?.engine?.status;
  if (state === 'live' && engine === 'stale') return 'stale';
  if (state === 'live' && (engine === 'catching_up' || engine === 'starting')) return 'catching-up';
  const heard = store.live?.lastHeard ?? 0;
  if (state === 'live' && heard && Date.now() - heard > LATE_MS) return 'waiting';
  return state;
}

export class StatusPill {
  #word = h('span', { class: 'pill-word' });
  #figure = h('span', { class: 'pill-figure', 'data-testid': 'latency' });
  #button = h('button', { type: 'button', class: 'pill', 'data-testid': 'connection', 'aria-haspopup': 'dialog', 'aria-expanded': 'false', onclick: () => this.#toggle() }, h('i', { class: 'dot' }), this.#word, this.#figure);
  #panel = h('div', { class: 'popover', role: 'dialog', 'aria-label': t('Connection and engine'), 'data-testid': 'connection-details', hidden: true });
  element = h('div', { class: 'pill-box' }, this.#button, this.#panel);

  constructor() {
    store.read(['link', 'stats', 'feed', 'tick'], () => this.#paint());
    document.addEventListener('click', (e) => e.target instanceof Node && !this.element.contains(e.target) && this.#close());
    this.element.addEventListener('keydown', (e) => e.key === 'Escape' && (this.#close(), this.#button.focus()));
  }

  #toggle() {
    this.#panel.hidden = !this.#panel.hidden;
    set(this.#button, { 'aria-expanded': String(!this.#panel.hidden) });
    void store.loadStats();
    this.#paint();
  }

  #close() {
    this.#panel.hidden = true;
    set(this.#button, { 'aria-expanded': 'false' });
  }

  #paint() {
    const now = claim();
    set(this.#button, { 'data-state': now });
    say(this.#word, STATE[now]);
    say(this.#figure, now === 'live' && store.latency ? latency(store.latency.ms) : '');
    set(this.#figure, { title: t('From the commit to this screen, last event') });
    set(document.documentElement, { 'data-link': now });
    if (!this.#panel.hidden) this.#details();
  }

  #details() {
    const { stats, link, latency: last, live } = store;
    const heard = live?.lastHeard ? t('{n} s ago', { n: Math.max(0, Math.round((Date.now() - live.lastHeard) / 1000)) }) : t('never');
    const rate = Object.values(stats?.events ?? {}).reduce((n, e) => n + (e.per_minute ?? 0), 0);
    const skewed = last && last.ms < -50;
    /** @type {[string, string][]} */
    const rows = [
      [t('Stream'), link.reason || STATE[link.state]],
      [t('Last heard'), heard],
      [t('Commit to this screen'), last ? (skewed ? t('clocks differ, cannot be told') : `${latency(last.ms)}, ${moment(new Date(last.at).toISOString())}`) : t('no event yet')],
      ...(stats ? figures(stats, rate) : /** @type {[string, string][]} */ ([[t('Engine'), t('gives no figures')]])),
    ];
    fill(this.#panel, h('dl', { class: 'facts' }, ...rows.flatMap(([k, v]) => [h('dt', null, k), h('dd', null, v)])));
  }
}

/** @param {import('../client/types.d.ts').Stats} s @param {number} rate @returns {[string, string][]} */
function figures(s, rate) {
  const open = Object.entries(s.connections ?? {}).filter(([, n]) => n > 0).map(([k, n]) => `${n} ${plainly(k)}`).join(', ');
  return [
    [t('Engine'), `${capital(plainly(s.engine?.status ?? 'unknown'))}${s.engine?.since ? `, ${t('since {time}', { time: moment(s.engine.since) })}` : ''}`],
    [t('Behind the database'), `${latency(typeof s.lag?.seconds === 'number' ? s.lag.seconds * 1000 : null)}, ${bytes(s.lag?.bytes)}`],
    [t('Commit to wire'), `p50 ${latency(s.latency?.p50_ms)}, p99 ${latency(s.latency?.p99_ms)}`],
    [t('Events a minute'), quantity(Math.round(rate * 10) / 10)],
    [t('Screens connected'), open || t('none')],
    [t('Medicines watched'), quantity(s.medicine_count)],
    [t('Rows not understood'), quantity(s.engine?.faults)],
    [t('Version'), `${s.engine?.version ?? '?'}, ${s.engine?.epoch ?? '?'}`],
  ];
}
