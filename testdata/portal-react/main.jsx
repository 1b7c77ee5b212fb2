// A small portal as its developers would write one: the hook they have today, stock that is counted, and what happens.

import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { MedicineMonitor, RealtimeWrapper, useAlerts, useConnection, useEvents, useInvalidation, useMedicineMonitor, useStock } from '@rxvigil/client/react';

const asked = new URLSearchParams(location.search);
const TENANT = { tenant: asked.get('tenant'), share: 'ann' };
const MEDICINE = asked.get('medicine');
const BRANCH = asked.get('branch');

/** The app's own door: it counts a shelf, or refuses, and says in which transaction. */
async function count(quantity) {
  const response = await fetch('/app/count', { method: 'POST', body: JSON.stringify({ medicine: MEDICINE, branch: BRANCH, quantity }) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer.xid;
}

function Shelf() {
  const { items, change, loaded, problem } = useStock(TENANT, { medicine: MEDICINE });
  const [refusal, setRefusal] = useState('');
  const set = (on_hand) => {
    setRefusal('');
    change({ medicine: MEDICINE, branch: BRANCH, on_hand }, () => count(on_hand)).done.catch(({ reason, message }) => setRefusal(`${reason}: ${message}`));
  };
  const item = items.find((i) => i.branch?.id === BRANCH);
  if (!loaded) return <p>{problem || 'Reading the stock.'}</p>;
  return (
    <section aria-label="Shelf">
      <p><b id="name">{item.medicine.name}</b>: <output id="on-hand" data-pending={item.pending}>{item.on_hand}</output></p>
      <button id="seven" onClick={() => set(7)}>Count 7</button>
      <button id="less" onClick={() => set(-1)}>Count -1</button>
      <p id="refusal" role="alert">{refusal}</p>
    </section>
  );
}

/** Who has the alert that the shelf is low. */
function Board() {
  const { alerts, acknowledge } = useAlerts(TENANT);
  const low = alerts.find((a) => a.kind === 'low_stock' && a.subject.id === MEDICINE);
  if (!low) return <p id="low">none</p>;
  return <p id="low">{low.status} {low.acknowledged_by} <button id="acknowledge" onClick={() => acknowledge(low.id, { by: 'Hana' })}>Acknowledge</button></p>;
}

/** Stands for TanStack Query's client. */
const marked = [];
const queries = { invalidateQueries: ({ queryKey }) => marked.push(queryKey.join('/')) };

function Portal() {
  useInvalidation(TENANT, queries, (event) => (event === null ? [['medicines']] : event.topic === 'inventory' ? [['medicines', event.data.id]] : []));
  const changes = useEvents(TENANT, { types: ['stock_level_changed'] });
  const { state } = useConnection(TENANT);
  const monitor = useMedicineMonitor(TENANT);
  const [heard, setHeard] = useState([]);
  const hear = (what) => (data) => setHeard((was) => [...was, `${what} ${data.subject?.id ?? data.id}`]);
  Object.assign(window, { monitor, marked, changes, state });
  return (
    <RealtimeWrapper tenant={TENANT} onStockAlert={hear('stock alert')} onMedicineUpdated={hear('updated')} onMedicineCreated={hear('created')}>
      <h1>{monitor.isConnected ? 'Connected' : 'Not connected'}, {monitor.totalAlerts} alerts</h1>
      <Shelf />
      <Board />
      <MedicineMonitor tenant={TENANT} />
      <button id="clear" onClick={monitor.clearStockAlerts}>Clear</button>
      <ol id="heard">{heard.map((line, i) => <li key={i}>{line}</li>)}</ol>
    </RealtimeWrapper>
  );
}

createRoot(document.getElementById('root')).render(<StrictMode><Portal /></StrictMode>);
