// A stand-in engine for working on the dashboard without Go or Postgres: the REST and SSE shapes of CONTRACTS 4, 5 and 7
// over a small pharmacy that sells. Not a reference: where it and the engine differ, the engine is right.
//
//   node portal/testdata/mock.mjs [port]        PACE=0 keeps the shop closed
//   POST /mock/sql {"sql":"UPDATE lots SET on_hand = 3 WHERE medicine = 'm-1'"}   the only statement it knows
//   POST /mock/restart | /mock/stale | /mock/fresh | /mock/resync

import { createHash, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';

const PORT = Number(process.argv[2] ?? process.env.PORT ?? 8099);
const PACE_MS = Number(process.env.PACE ?? 900);
const EPOCH = 'mock1';
const TENANTS = [
  { id: 't-1', name: 'Bole Test Pharmacy', subdomain: 'testpharmacy', branches: [{ id: 'b-1', name: 'Main Street' }, { id: 'b-2', name: 'Hospital Road' }] },
  { id: 't-2', name: 'Lifeline Pharmacy', subdomain: 'lifeline', branches: [{ id: 'b-3', name: 'Piazza' }, { id: 'b-4', name: 'Airport' }] },
];
const NAMES = [
  ['Amoxicillin 500 mg capsules', 'antibiotic', 40], ['Paracetamol 500 mg tablets', 'analgesic', 200], ['Metformin 850 mg tablets', 'antidiabetic', 90],
  ['Insulin glargine 100 IU/ml', 'antidiabetic', 20], ['Salbutamol inhaler 100 µg', 'respiratory', 25], ['Ibuprofen 400 mg tablets', 'analgesic', 100],
  ['Ciprofloxacin 500 mg tablets', 'antibiotic', 30], ['Hydrochlorothiazide 25 mg', 'antihypertensive', 30], ['Oral rehydration salts', 'electrolyte', 120],
  ['Zinc sulfate 20 mg', 'supplement', 60], ['Diazepam 5 mg tablets', 'controlled', 15], ['Cetirizine 10 mg tablets', 'antihistamine', 50],
  ['Omeprazole 20 mg capsules', 'gastric', 30], ['Losartan 50 mg tablets', 'antihypertensive', 60], ['Artemether/lumefantrine 20/120', 'antimalarial', 45],
  ['Ferrous sulfate 200 mg', 'supplement', 80],
];
const ZONE_DAY = 86_400_000;
const day = (/** @type {number} */ n) => new Date(Date.now() + n * ZONE_DAY).toISOString().slice(0, 10);
const daysTo = (/** @type {string} */ d) => Math.round((Date.parse(d) - Date.parse(day(0))) / ZONE_DAY);

let seed = 7;
const random = () => ((seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31);
const pick = (/** @type {any[]} */ list) => list[Math.floor(random() * list.length)];

let lsn = 0x16b3748n;
let xid = 9100;
const cursor = (/** @type {number} */ ordinal = 0xffffffff) =>
  `${EPOCH}.${lsn.toString(16).toUpperCase().padStart(16, '0')}.${ordinal.toString(16).toUpperCase().padStart(8, '0')}`;
const printed = () => `0/${lsn.toString(16).toUpperCase()}`;

/** @type {any[]} */ const medicines = [];
/** @type {any[]} */ const lots = [];
/** @type {Map<string, any>} */ const alerts = new Map();
/** @type {Map<string, any[]>} */ const histories = new Map();
/** @type {any[]} */ let log = [];
/** @type {Set<any>} */ const clients = new Set();
let stale = null;
const totals = {};

for (const tenant of TENANTS) {
  NAMES.forEach(([name, category, reorder], i) => {
    const m = { id: tenant.id === 't-1' ? `m-${i + 1}` : `l-${i + 1}`, tenant: tenant.id, name, category, reorder, price: 1.5 + i };
    medicines.push(m);
    for (const [b, branch] of tenant.branches.entries()) {
      const level = i === 6 && b === 0 ? 0 : i === 5 ? 0.5 : i === 4 && b === 1 ? 0.9 : 1.4 + random() * 2;
      const total = Math.round(reorder * level);
      const horizon = i === 11 && b === 0 ? 5 : i === 3 ? 22 : i === 9 && b === 1 ? -1 : 90 + i * 10;
      const first = i === 3 || i === 11 || i === 9 ? Math.round(total / 4) : Math.round(total / 2);
      lots.push({ id: `${m.id}-${b}-a`, tenant: tenant.id, branch: branch.id, medicine: m.id, number: `${name.slice(0, 3).toUpperCase()}-${1100 + i * 7 + b}`, expires: day(horizon), on_hand: first, reserved: 0 });
      lots.push({ id: `${m.id}-${b}-b`, tenant: tenant.id, branch: branch.id, medicine: m.id, number: `${name.slice(0, 3).toUpperCase()}-${2100 + i * 7 + b}`, expires: i === 15 ? 'infinity' : day(horizon + 160), on_hand: total - first, reserved: i === 1 ? 6 : 0 });
    }
  });
}

const stockOf = (/** @type {any} */ m, /** @type {string} */ branch) => {
  const mine = lots.filter((l) => l.medicine === m.id && l.branch === branch);
  const sum = (/** @type {any[]} */ list, /** @type {string} */ f) => list.reduce((n, l) => n + l[f], 0);
  const good = mine.filter((l) => l.expires === 'infinity' || daysTo(l.expires) >= 0);
  return { on_hand: sum(mine, 'on_hand'), reserved: sum(mine, 'reserved'), available: sum(good, 'on_hand') - sum(good, 'reserved') };
};
const branchOf = (/** @type {string} */ id) => TENANTS.flatMap((t) => t.branches).find((b) => b.id === id) ?? null;
const statusOf = (/** @type {any} */ m, /** @type {any} */ s) => (s.available <= 0 ? 'out' : s.available <= m.reorder ? 'low' : 'ok');

/** @param {string} tenant @param {string} branch @param {{type: string, data: any, topic: string}[]} events */
function commit(tenant, branch, events) {
  lsn += 0x118n;
  xid++;
  const at = new Date().toISOString();
  const transitions = judge(tenant, at);
  const all = [...events.map((e) => ({ ...e, branch })), ...transitions];
  const firstAlert = events.length;
  all.forEach((e, i) => {
    const ordinal = i < firstAlert ? i : 0x80000000 + i - firstAlert;
    const entry = { id: cursor(ordinal), type: e.type, topic: e.topic, tenant, branch: e.branch, at, xid: String(xid), ...(i === all.length - 1 ? { last: true } : {}), data: e.data };
    totals[e.type] = (totals[e.type] ?? 0) + 1;
    const line = histories.get(e.data.id)?.at(-1);
    if (e.topic === 'notifications' && line && !line.cursor) line.cursor = entry.id;
    log.push(entry);
    for (const c of clients) if (c.tenant === tenant) c.tell(entry);
  });
  if (log.length > 2000) log = log.slice(-1000);
}

const SEVERITY = { out: 'critical', low: 'warning', expired: 'critical', expires_7: 'critical', expires_30: 'warning', negative: 'critical', drift: 'high' };

/** @param {string} tenant @param {string} at */
function judge(tenant, at) {
  /** @type {Map<string, any>} */
  const desired = new Map();
  const want = (/** @type {any} */ a) => desired.set(`${a.kind}:${a.branch}:${a.subject.id}`, a);
  for (const m of medicines.filter((x) => x.tenant === tenant)) {
    for (const b of TENANTS.find((t) => t.id === tenant)?.branches ?? []) {
      const s = stockOf(m, b.id);
      const status = statusOf(m, s);
      const subject = { type: 'medicine', id: m.id, name: m.name };
      if (s.on_hand < 0) want({ kind: 'negative_stock', rung: 'negative', branch: b.id, subject, values: s, inputs: s, message: `${m.name} has impossible stock numbers: on_hand ${s.on_hand}, reserved ${s.reserved}` });
      if (status !== 'ok') want({
        kind: 'low_stock', rung: status, branch: b.id, subject, values: { ...s, min: m.reorder },
        inputs: { ...s, min: m.reorder, resolves_above: m.reorder * 1.1 }, threshold: { value: m.reorder, source: 'app' },
        message: `${m.name} is ${status === 'out' ? 'out of stock' : 'low'}: ${s.available} available, reorder level ${m.reorder}`,
      });
    }
  }
  for (const l of lots.filter((x) => x.tenant === tenant && x.on_hand > 0 && x.expires !== 'infinity')) {
    const left = daysTo(l.expires);
    if (left > 30) continue;
    const m = medicines.find((x) => x.id === l.medicine);
    const rung = left < 0 ? 'expired' : left <= 7 ? 'expires_7' : 'expires_30';
    want({
      kind: 'expiry', rung, branch: l.branch, subject: { type: 'lot', id: l.id, name: m.name, lot: l.number, medicine: m.id }, values: { days: left, quantity: l.on_hand, expires: l.expires },
      inputs: { expires: l.expires, today: day(0), quantity: l.on_hand, days: left }, threshold: { value: rung === 'expired' ? -1 : rung === 'expires_7' ? 7 : 30, source: 'rule' },
      message: `${m.name}, lot ${l.number}, ${left < 0 ? `expired ${-left} day${left === -1 ? '' : 's'} ago` : `expires in ${left} days`} on ${l.expires}: ${l.on_hand} left`,
    });
  }
  if (tenant === 't-1') want({
    kind: 'ledger_mismatch', rung: 'drift', branch: 'b-2', subject: { type: 'medicine', id: 'm-13', name: NAMES[12]?.[0] }, values: { on_hand: 61, ledger: 72, drift: -11 },
    inputs: { on_hand: 61, ledger: 72, drift: -11 }, message: `${NAMES[12]?.[0]} does not agree with its movements: 61 on hand, 72 by the ledger, drift -11`,
  });
  /** @type {any[]} */
  const out = [];
  for (const [key, d] of desired) {
    const { inputs, ...shown } = d;
    const was = alerts.get(key);
    const fresh = !was || was.status === 'resolved';
    if (!fresh && was.rung === d.rung) {
      was.values = d.values; // HELD: numbers move, nobody is told
      continue;
    }
    const episode = fresh ? (was?.episode ?? 0) + 1 : was.episode;
    const id = fresh ? `${createHash('sha256').update(key + tenant).digest('hex').slice(0, 32)}-${episode}` : was.id;
    const worse = was && SEVERITY[d.rung] === 'critical';
    const a = {
      ...(fresh ? {} : was), ...shown, id, rule: d.kind, severity: SEVERITY[d.rung], episode, status: fresh || worse ? 'firing' : was.status, tenant,
      why: { inputs, lsn: printed(), committed_at: at }, started_at: fresh ? at : was.started_at, changed_at: at, version: fresh ? 1 : was.version + 1,
    };
    alerts.set(key, a);
    out.push(transition(a, fresh ? '' : was.status, fresh ? 'alert_raised' : 'alert_changed'));
  }
  for (const [key, a] of alerts) {
    if (a.tenant !== tenant || a.status === 'resolved' || desired.has(key)) continue;
    const from = a.status;
    Object.assign(a, { status: 'resolved', resolved_at: at, changed_at: at, version: a.version + 1 });
    out.push(transition(a, from, 'alert_resolved'));
  }
  return out;
}

/** @param {any} a @param {string} from @param {string} type @param {string} [by] */
function transition(a, from, type, by) {
  const lines = histories.get(a.id) ?? [];
  histories.set(a.id, lines);
  lines.push({ version: a.version, event: type, from, to: a.status, severity: a.severity, at: a.changed_at, by: by ?? null, note: type === 'alert_acknowledged' ? (a.note ?? null) : null, cursor: '' });
  return { type, topic: 'notifications', branch: a.branch, data: { ...structuredClone(a), from } };
}

/** @param {any} lot @param {number} onHand @param {any[]} [more] */
function setLot(lot, onHand, more = []) {
  const m = medicines.find((x) => x.id === lot.medicine);
  const before = stockOf(m, lot.branch);
  const was = lot.on_hand;
  lot.on_hand = onHand;
  const after = stockOf(m, lot.branch);
  const { id, number, expires, on_hand, reserved } = lot;
  commit(lot.tenant, lot.branch, [
    { type: 'lot_updated', topic: 'inventory', data: { id, medicine: m.id, number, expires, on_hand, reserved, medicine_name: m.name, changed: ['on_hand'], before: { on_hand: was }, after: { on_hand } } },
    { type: 'stock_level_changed', topic: 'inventory', data: { id: m.id, name: m.name, reorder_level: m.reorder, ...after, changed: ['on_hand', 'available'], before, after } },
    ...more,
  ]);
}

let receipt = 1040;
function trade() {
  const lot = pick(lots.filter((l) => l.expires === 'infinity' || daysTo(l.expires) >= 0));
  const m = medicines.find((x) => x.id === lot.medicine);
  if (lot.on_hand < 3 || random() < 0.04) return setLot(lot, lot.on_hand + Math.round(m.reorder * 0.8));
  const n = 1 + Math.floor(random() * Math.min(4, lot.on_hand));
  const number = `S-${++receipt}`;
  setLot(lot, lot.on_hand - n, [
    random() < 0.3
      ? { type: 'prescription_dispensed', topic: 'prescriptions', data: { id: randomUUID(), number: number.replace('S', 'RX'), status: 'dispensed', lines: [{ id: '1', medicine: m.id, quantity: n, dispensed: n, medicine_name: m.name }] } }
      : { type: 'sale_completed', topic: 'sales', data: { id: randomUUID(), number, status: 'completed', total: n * m.price, lines: [{ id: '1', medicine: m.id, quantity: n, unit_price: m.price, medicine_name: m.name }] } },
  ]);
}

/** @param {any} req @param {any} res @param {any} tenant @param {URLSearchParams} query */
function stream(req, res, tenant, query) {
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  const frame = (/** @type {string} */ event, /** @type {any} */ data, /** @type {string} */ id) => res.write(`event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`);
  const after = req.headers['last-event-id'] ?? query.get('after');
  const known = Boolean(after?.startsWith(`${EPOCH}.`));
  frame('connection_established', { connectionId: randomUUID(), resumed: known, cursor: known ? after : after ? null : cursor() }, known ? after : cursor());
  if (after && !known) frame('resync', { reason: 'epoch_changed', scope: { tenant: tenant.id, branch: null, topics: [] }, snapshot: '', alerts: '', cursor: cursor() }, cursor());
  const client = {
    tenant: tenant.id,
    tell: (/** @type {any} */ e) => frame(e.type, e, e.id),
    frame,
    beat: setInterval(() => {
      if (!stale) lsn += 0x38n;
      frame('heartbeat', { cursor: stale ?? cursor(), stale: Boolean(stale) }, stale ?? cursor());
    }, 10_000),
  };
  if (known) for (const e of log) if (e.tenant === tenant.id && e.id > after) client.tell(e);
  if (stale) frame('stale', { since: new Date().toISOString(), reason: 'The database does not answer.' }, stale);
  clients.add(client);
  res.on('close', () => (clearInterval(client.beat), clients.delete(client)));
}

/** @param {any} res @param {any} tenant */
function monitor(res, tenant) {
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  const say = (/** @type {string} */ type, /** @type {any} */ data, /** @type {string} */ id = '') =>
    res.write(`${id && `id: ${id}\n`}data: ${JSON.stringify({ type, data, timestamp: new Date().toISOString(), tenantId: tenant.id })}\n\n`);
  const open = (/** @type {string} */ kind) => [...alerts.values()].filter((a) => a.tenant === tenant.id && a.kind === kind && a.status !== 'resolved');
  say('connection_established', { connectionId: randomUUID(), tenantId: tenant.id, message: 'Connected' });
  const aggregates = () => {
    const low = open('low_stock').map((a) => ({ id: a.subject.id, name: a.subject.name, currentStock: a.values.available, minStockLevel: a.values.min, urgency: a.values.available <= 0 ? 'critical' : 'warning' }));
    const old = open('expiry').map((a) => ({ id: a.subject.medicine, name: a.subject.name, expiryDate: a.values.expires, daysUntilExpiry: a.values.days, urgency: a.values.days <= 7 ? 'critical' : 'warning' }));
    say('stock_alert', { count: low.length, medicines: low, message: `${low.length} medicines are low` });
    say('expiry_alert', { count: old.length, medicines: old, message: `${old.length} lots expire` });
  };
  aggregates();
  say('heartbeat', { timestamp: new Date().toISOString(), activeConnections: clients.size, medicineCount: 16 }, cursor());
  const client = {
    tenant: tenant.id,
    frame: () => {},
    beat: setInterval(() => say('heartbeat', { timestamp: new Date().toISOString(), activeConnections: clients.size, medicineCount: 16 }, cursor()), 10_000),
    tell: (/** @type {any} */ e) => {
      if (e.type === 'stock_level_changed')
        say('medicine_updated', { medicineId: e.data.id, updatedFields: { currentStock: e.data.available }, previousData: { currentStock: e.data.before.available }, changedFields: ['currentStock'], message: `${e.data.name} changed` }, e.id);
      if (e.type.startsWith('alert_')) aggregates();
    },
  };
  clients.add(client);
  res.on('close', () => (clearInterval(client.beat), clients.delete(client)));
}

/** @param {any} a @param {string} type @param {any} change @param {string} by */
function move(a, type, change, by) {
  const from = a.status;
  lsn += 0x60n;
  Object.assign(a, change, { version: a.version + 1, changed_at: new Date().toISOString() });
  const t = transition(a, from, type, by);
  const entry = { id: cursor(0x80000000), type, topic: 'notifications', tenant: a.tenant, branch: a.branch, at: a.changed_at, xid: String(++xid), last: true, data: t.data };
  const line = histories.get(a.id)?.at(-1);
  line.cursor = entry.id;
  log.push(entry);
  for (const c of clients) if (c.tenant === a.tenant) c.tell(entry);
}

/** @param {any} tenant @param {string} rest @param {URLSearchParams} query @param {any} body */
function answer(tenant, rest, query, body) {
  const [, what, id, verb] = rest.split('/');
  const branch = query.get('branch');
  const ours = (/** @type {any} */ x) => x.tenant === tenant.id && (!branch || x.branch === branch);
  const page = (/** @type {any[]} */ items) => ({ items, next: null, cursor: cursor() });
  if (what === 'alerts' && !id) return page([...alerts.values()].filter((a) => ours(a) && a.status !== 'resolved'));
  if (what === 'alerts') {
    const a = [...alerts.values()].find((x) => x.id === decodeURIComponent(id ?? '') && x.tenant === tenant.id);
    if (!a) return null;
    if (!verb) return { alert: a, history: histories.get(a.id) };
    if (a.status === 'resolved') return { applied: false, alert: a, cursor: cursor() };
    if (verb === 'acknowledge') move(a, 'alert_acknowledged', { status: 'acknowledged', acknowledged_by: body.by, note: body.note }, body.by);
    if (verb === 'snooze') move(a, 'alert_snoozed', { status: 'snoozed', snoozed_until: body.until ?? new Date(Date.now() + parseInt(body.for) * 3.6e6).toISOString() }, body.by);
    if (verb === 'unsnooze') move(a, 'alert_changed', { status: 'firing', snoozed_until: undefined }, body.by);
    return { applied: true, alert: a, cursor: cursor() };
  }
  if (what === 'stock') {
    const q = (query.get('q') ?? '').toLowerCase();
    const found = medicines.filter((m) => m.tenant === tenant.id && (!query.get('medicine') || m.id === query.get('medicine')) && m.name.toLowerCase().includes(q));
    return page(found.flatMap((m) => tenant.branches.filter((/** @type {any} */ b) => !branch || b.id === branch).map((/** @type {any} */ b) => {
      const s = stockOf(m, b.id);
      return {
        medicine: { id: m.id, name: m.name, category: m.category, reorder_level: m.reorder, price: m.price }, branch: b, ...s, status: statusOf(m, s),
        lots: lots.filter((l) => l.medicine === m.id && l.branch === b.id).map(({ id, number, expires, on_hand, reserved }) => ({ id, number, expires, days: expires === 'infinity' ? null : daysTo(expires), on_hand, reserved })),
      };
    })));
  }
  if (what === 'expiring') return page(lots.filter((l) => ours(l) && l.on_hand > 0 && l.expires !== 'infinity' && daysTo(l.expires) <= 30).sort((a, b) => (a.expires < b.expires ? -1 : 1)).map((l) => ({
    medicine: { id: l.medicine, name: medicines.find((m) => m.id === l.medicine).name }, branch: branchOf(l.branch), lot: { id: l.id, number: l.number, expires: l.expires, on_hand: l.on_hand },
    days: daysTo(l.expires), rung: daysTo(l.expires) < 0 ? 'expired' : daysTo(l.expires) <= 7 ? 'expires_7' : 'expires_30',
  })));
  if (what === 'stats') return {
    connections: { sse: clients.size, websocket: 0, live_monitor: 0 }, lag: { bytes: stale ? 52_104 : 0, seconds: stale ? 31 : 0.002 },
    events: Object.fromEntries(Object.entries(totals).map(([k, n]) => [k, { total: n, per_minute: 12.5 }])), alerts: {}, alerts_by_rule: {},
    engine: { status: stale ? 'stale' : 'live', since: new Date(Date.now() - 6e5).toISOString(), epoch: EPOCH, version: 'mock', faults: 0 }, latency: { p50_ms: 1.4, p99_ms: 6.2 }, medicine_count: medicines.length / 2,
  };
  return null;
}

const TYPES = { '.js': 'text/javascript', '.css': 'text/css', '.html': 'text/html; charset=utf-8', '.svg': 'image/svg+xml', '.ts': 'text/plain' };
const POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";

/** @param {any} req @param {any} res */
async function handle(req, res) {
  const url = new URL(req.url, 'http://mock');
  const json = (/** @type {number} */ status, /** @type {any} */ body) => (res.writeHead(status, { 'Content-Type': 'application/json' }), res.end(JSON.stringify(body)));
  let text = '';
  for await (const piece of req) text += piece;
  const body = text ? JSON.parse(text) : {};
  if (url.pathname.startsWith('/mock/')) return json(200, control(url.pathname.slice(6), body));
  if (url.pathname === '/api/tenants') return json(200, { items: TENANTS });
  const match = /^\/api\/tenant\/([^/]+)(\/.*)$/.exec(url.pathname);
  if (match) {
    const tenant = TENANTS.find((t) => t.id === match[1] || t.subdomain === match[1]);
    if (!tenant) return json(404, { error: 'Tenant not found' });
    if (match[2] === '/stream') return stream(req, res, tenant, url.searchParams);
    if (match[2] === '/medicines/live-monitor') return monitor(res, tenant);
    const found = answer(tenant, match[2] ?? '', url.searchParams, body);
    return found ? json(200, found) : json(404, { title: 'Not found' });
  }
  const path = url.pathname === '/' ? '/assets/index.html' : url.pathname;
  const file = await readFile(new URL(`..${path}`, import.meta.url)).catch(() => null);
  if (!file || path.includes('..')) return json(404, { title: 'Not found' });
  res.writeHead(200, { 'Content-Type': TYPES[/** @type {keyof typeof TYPES} */ (extname(path))] ?? 'text/plain', 'Content-Security-Policy': POLICY });
  res.end(file);
}

/** @param {string} verb @param {any} body */
function control(verb, body) {
  const update = /SET on_hand = (-?\d+) WHERE medicine = '([^']+)'/.exec(body.sql ?? '');
  if (verb === 'sql' && update) {
    const [first, second] = lots.filter((l) => l.medicine === update[2]);
    first.on_hand = 0; // so that the statement decides alone
    setLot(second, Number(update[1]));
  }
  if (verb === 'sql' && !update) return { ok: false, error: 'the mock knows one statement only' };
  if (verb === 'stale') {
    stale = cursor();
    for (const c of clients) c.frame('stale', { since: new Date().toISOString(), reason: 'The database does not answer.' }, stale);
  }
  if (verb === 'fresh') {
    stale = null;
    for (const c of clients) c.frame('fresh', {}, cursor());
  }
  if (verb === 'resync') for (const c of clients) c.frame('resync', { reason: 'asked for', scope: 'tenant', snapshot: '/alerts', cursor: cursor() }, cursor());
  if (verb === 'restart') setTimeout(restart, 20);
  return { ok: true };
}

let server = createServer(handle);
function restart() {
  server.close();
  server.closeAllConnections();
  setTimeout(() => {
    server = createServer(handle);
    server.listen(PORT, '127.0.0.1');
  }, 1500);
}

for (const t of TENANTS) judge(t.id, new Date(Date.now() - 25 * 60_000).toISOString());
if (PACE_MS > 0) setInterval(() => !stale && trade(), PACE_MS);
server.listen(PORT, '127.0.0.1', () => console.log(`mock engine on http://127.0.0.1:${PORT}/`));
