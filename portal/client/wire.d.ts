// Made from the Go types by: go test ./push -run WireTypes -update. Changes here are lost.

export interface Accepted {
  cursor: string;
  operation: string;
}

export interface ActionBody {
  by?: string;
  for?: string;
  note?: string;
  until?: string;
}

export interface Alert {
  acknowledged_by?: string;
  /** null: of the tenant as a whole */
  branch: string | null;
  changed_at: string;
  digest?: string;
  episode: number;
  escalated?: boolean;
  id: string;
  kind: string;
  message: string;
  note?: string;
  reminders?: number;
  resolved_at?: string | null;
  rule: string;
  rung: string;
  severity: string;
  snoozed_until?: string | null;
  started_at: string;
  status: string;
  subject: Subject;
  tenant: string;
  threshold?: Threshold | null;
  values: Record<string, any> | null;
  version: number;
  why: Why;
}

export interface AlertBody {
  alert: Alert;
  history: HistoryLine[];
}

export interface AlertPage {
  cursor: string;
  items: Alert[];
  next: string | null;
}

export interface Aliveness {
  status: string;
}

export interface Analytics {
  cursor: string;
  days: DayCount[];
  noisiest: SubjectCount[];
  rules: RuleStats[];
  since: string;
}

export interface Answer {
  alert?: Alert | null;
  applied?: boolean | null;
  cursor?: string | null;
  detail?: string;
  id?: string;
  op: string;
  operation?: string;
  resumed?: boolean | null;
  title?: string;
  type?: string;
}

export interface Applied {
  alert?: Alert | null;
  applied: boolean;
  cursor: string;
}

export interface Backtest {
  at: string;
  by_day: BacktestDay[];
  days: number;
  noisiest: BacktestNoise[];
  rules: BacktestRule[];
  sales: number;
  standing: number;
  told: number;
}

export interface BacktestDay {
  day: string;
  told: number;
}

export interface BacktestNoise {
  branch: string;
  rule: string;
  subject: string;
  told: number;
}

export interface BacktestRule {
  changed: number;
  flaps: number;
  open: number;
  raised: number;
  resolve_seconds: Quantiles | null;
  resolved: number;
  rule: string;
}

export interface Beat {
  cursor: string | null;
  stale: boolean;
}

export interface Branch {
  /** null: of the tenant as a whole */
  id: string | null;
  name: string;
}

export interface Bye {
  reason: string;
  retry_after_ms: number;
}

export interface Count {
  per_minute: number;
  total: number;
}

export interface CustomBody {
  branch: string;
  data: unknown;
  type: string;
}

export interface DayCount {
  /** null: of the tenant as a whole */
  branch: string | null;
  day: string;
  kind: string;
  raised: number;
  rule: string;
}

export interface EngineBody {
  epoch: string;
  faults: number;
  since: string;
  status: string;
  version: string;
}

export interface Envelope {
  /** when it was committed */
  at: string;
  /** null: of the tenant as a whole */
  branch: string | null;
  data: Record<string, any>;
  /** the cursor: opaque, and sorts in commit order within an epoch */
  id: string;
  /** true on the last event of its source transaction */
  last?: boolean;
  tenant: string;
  topic: 'inventory' | 'sales' | 'prescriptions' | 'patients' | 'notifications';
  /** a type of ours or one of the user's own */
  type: string;
  /** what pg_current_xact_id() gave the app */
  xid: string;
}

export interface Established {
  connectionId: string;
  cursor: string | null;
  resumed: boolean;
}

export interface EventsBody {
  branch?: string;
  data?: unknown;
  events?: CustomBody[];
  type?: string;
}

export interface Expiring {
  at: string;
  expires_in: number;
}

export interface ExpiringItem {
  branch: Branch | null;
  days: number;
  lot: ExpiringLot;
  medicine: ExpiringMedicine;
  rung: string;
}

export interface ExpiringItemPage {
  cursor: string;
  items: ExpiringItem[];
  next: string | null;
}

export interface ExpiringLot {
  expires: number | string | boolean | null;
  id: string;
  number: string;
  /** exact, in plain notation; null: not known */
  on_hand: number | null;
}

export interface ExpiringMedicine {
  id: string;
  name: string;
}

export interface Fresh {}

export interface HistoryLine {
  at: string;
  by: string;
  cursor: string;
  event: string;
  from: string;
  note: string;
  severity: string;
  to: string;
  version: number;
}

export interface LagBody {
  bytes: number;
  seconds: number;
}

export interface LatencyBody {
  p50_ms: number | null;
  p99_ms: number | null;
}

export interface LotItem {
  days: number | null;
  expires: number | string | boolean | null;
  id: string;
  number: string;
  /** exact, in plain notation; null: not known */
  on_hand: number | null;
  /** exact, in plain notation; null: not known */
  reserved: number | null;
}

export interface MedicineItem {
  category: number | string | boolean | null;
  id: string;
  name: string;
  /** exact, in plain notation; null: not known */
  price: number | null;
  /** exact, in plain notation; null: not known */
  reorder_level: number | null;
}

export interface OverrideItem {
  at: string;
  branch: Branch | null;
  by: string;
  medicine: ExpiringMedicine;
  rule: string;
  /** exact, in plain notation; null: not known */
  value: number | null;
}

export interface OverrideItemPage {
  cursor: string;
  items: OverrideItem[];
  next: string | null;
}

export interface PrescribedItem {
  /** exact, in plain notation; null: not known */
  dispensed: number | null;
  medicine: ExpiringMedicine;
  /** exact, in plain notation; null: not known */
  quantity: number | null;
}

export interface PrescriptionItem {
  branch: Branch | null;
  id: string;
  lines: PrescribedItem[];
  number: string;
  patient: string;
  since: string;
  status: string;
  valid_until: number | string | boolean | null;
}

export interface PrescriptionItemPage {
  cursor: string;
  items: PrescriptionItem[];
  next: string | null;
}

export interface Problem {
  detail?: string;
  status: number;
  title: string;
  type: string;
}

export interface Quantiles {
  p50: number;
  p90: number;
}

export interface Readiness {
  lag: LagBody;
  ready: boolean;
  reasons: string[];
  warnings?: string[];
}

export interface Request {
  after?: string;
  alert?: string;
  branch?: string;
  by?: string;
  for?: string;
  id?: string;
  note?: string;
  op?: string;
  token?: string;
  topics?: string[];
  types?: string[];
  until?: string;
}

export interface Resync {
  alerts: string;
  cursor: string | null;
  reason: string;
  scope: Scope;
  snapshot: string;
}

export interface RuleBookBody {
  backtest: Backtest | null;
  cursor: string;
  items: RuleItem[];
}

export interface RuleItem {
  id: string;
  kind: string;
  off: boolean;
  open: number;
  settings: Record<string, unknown>;
  severity: string;
  when: string;
}

export interface RuleStats {
  acknowledge_seconds: Quantiles | null;
  acknowledged: number;
  kind: string;
  open: number;
  raised: number;
  resolve_seconds: Quantiles | null;
  resolved: number;
  rule: string;
}

export interface Scope {
  /** null: of the tenant as a whole */
  branch: string | null;
  tenant: string;
  topics: string[];
}

export interface Stale {
  reason: string;
  since: string;
}

export interface StatsBody {
  alerts: Record<string, number>;
  alerts_by_rule: Record<string, number>;
  connections: Record<string, number>;
  engine: EngineBody;
  events: Record<string, Count>;
  lag: LagBody;
  latency: LatencyBody;
  medicine_count: number;
}

export interface StockItem {
  /** exact, in plain notation; null: not known */
  available: number | null;
  branch: Branch | null;
  /** exact, in plain notation; null: not known */
  cover_days: number | null;
  /** exact, in plain notation; null: not known */
  daily_use: number | null;
  lots: LotItem[];
  /** exact, in plain notation; null: not known */
  max: number | null;
  medicine: MedicineItem;
  /** exact, in plain notation; null: not known */
  min: number | null;
  /** exact, in plain notation; null: not known */
  on_hand: number | null;
  /** exact, in plain notation; null: not known */
  order: number | null;
  /** exact, in plain notation; null: not known */
  reserved: number | null;
  status: string;
}

export interface StockItemPage {
  cursor: string;
  items: StockItem[];
  next: string | null;
}

export interface Subject {
  id: string;
  lot?: string;
  medicine?: string;
  name: string;
  type: string;
}

export interface SubjectCount {
  /** null: of the tenant as a whole */
  branch: string | null;
  episodes: number;
  kind: string;
  rule: string;
  subject: Subject;
}

export interface Tenant {
  branches: Branch[];
  id: string;
  locale: string;
  medicine_count: number;
  name: string;
  subdomain: string;
  zone: string;
}

export interface TenantPage {
  cursor: string;
  items: Tenant[];
  next: string | null;
}

export interface Threshold {
  source: string;
  value: number | string | boolean | null;
}

export interface ThresholdBody {
  branch?: string;
  by?: string;
  rule?: string;
  value?: number | null | null;
}

export interface ThresholdItem {
  branch: Branch | null;
  rule: string;
  threshold: Threshold;
}

export interface ThresholdItemPage {
  cursor: string;
  items: ThresholdItem[];
  next: string | null;
}

export interface TicketBody {
  expires_in: number;
  ticket: string;
}

export interface Why {
  committed_at: string;
  inputs: Record<string, any> | null;
  lsn: string;
}
