/**
 * Costs in the columns of FOCUS, the FinOps Open Cost and Usage Specification 1.x. The lines are FOCUS-aligned, not
 * conformant. Each price bucket of a group and charge period has a line. The ledger knows only the price that a call
 * was priced with, and no invoice, so FOCUS' four costs are equal.
 */
import { SUMMED_COUNTS } from "../ledger/measures.ts";
import { usageBy } from "../ledger/call.ts";
import { picoToUsd } from "../money.ts";
import { type Bucket, BUCKETS, quantities, type Unit, unitOf } from "../ledger/buckets.ts";
import { type GroupKey, isLabel } from "../summary/query.ts";
import type { CsvColumn } from "./csv.ts";

/** The tokens, calls or searches of one price bucket in a group. Either all of them are priced, or none. */
export interface Charge {
  bucket: Bucket;
  quantity: bigint;
  /** Null if the cost is unknown. */
  costPico: bigint | null;
}

export interface ChargePeriod {
  fromMs: number;
  toMs: number;
  monthFromMs: number;
  monthToMs: number;
}

export interface ChargedGroup {
  projectId: string;
  period: ChargePeriod;
  keys: ReadonlyMap<GroupKey, string | null>;
  /** What others say that the group's calls cost. Only the group's first line has it, so that lines add up. */
  reported: { costPico: bigint; requests: bigint } | null;
}

/**
 * The charges of a group. Their costs add up to `cost_pico`. Calls without a cost have charges of their own. One of
 * these counts the calls; no other charge does.
 *
 * @param of gives a measure's sum by its name. If the group has calls with and without a cost, it also knows
 * `unpriced_<bucket>`.
 */
export function chargesOf(of: (name: string) => bigint): Charge[] {
  const held = quantities(usageBy((name) => (SUMMED_COUNTS.has(name) ? Number(of(name)) : 0))).map(BigInt);
  const unpricedRequests = of("unpriced_requests");
  const pricedRequests = of("requests") - unpricedRequests;
  const charges: Charge[] = [];
  for (const [i, bucket] of BUCKETS.entries()) {
    const costPico = of(`cost_${bucket}_pico`);
    if (bucket === "request") {
      if (costPico !== 0n) charges.push({ bucket, quantity: pricedRequests, costPico });
      if (unpricedRequests > 0n) charges.push({ bucket, quantity: unpricedRequests, costPico: null });
      continue;
    }
    const unpriced = unpricedRequests === 0n ? 0n : pricedRequests === 0n ? held[i]! : of(`unpriced_${bucket}`);
    const priced = held[i]! - unpriced;
    if (priced !== 0n || costPico !== 0n) charges.push({ bucket, quantity: priced, costPico });
    // A call may tell how many tokens were cached, but not how many there were. The rest is then unknown, not negative.
    if (unpriced > 0n) charges.push({ bucket, quantity: unpriced, costPico: null });
  }
  return charges;
}

const FOCUS_UNITS: Readonly<Record<Unit, string>> = {
  token: "Tokens",
  request: "Requests",
  search: "Searches",
  execution: "Executions",
  second: "Seconds",
  character: "Characters",
  image: "Images",
  page: "Pages",
};

interface FocusColumn extends CsvColumn {
  of: (charge: Charge, group: ChargedGroup) => string | null;
}

const ours = (name: string, of: FocusColumn["of"]): FocusColumn => ({ name, text: false, of });
const theirs = (name: string, of: FocusColumn["of"]): FocusColumn => ({ name, text: true, of });
const key = (name: string, of: GroupKey): FocusColumn => theirs(name, (_, { keys }) => keys.get(of) ?? null);

const cost: FocusColumn["of"] = ({ costPico }) => (costPico === null ? null : picoToUsd(costPico));
const quantity: FocusColumn["of"] = (charge) => charge.quantity.toString();
const unit: FocusColumn["of"] = ({ bucket }) => FOCUS_UNITS[unitOf(bucket)];
/** Null if the line has no cost, or if its calls had several prices. */
const unitPrice: FocusColumn["of"] = ({ quantity, costPico }) =>
  costPico === null || quantity <= 0n || costPico % quantity !== 0n ? null : picoToUsd(costPico / quantity);
const provider: FocusColumn["of"] = (_, { keys }) => keys.get("provider") ?? null;

const COLUMNS: readonly FocusColumn[] = [
  ours("BilledCost", cost),
  ours("BillingAccountId", (_, { projectId }) => projectId),
  ours("BillingCurrency", () => "USD"),
  ours("BillingPeriodEnd", (_, { period }) => formatTime(period.monthToMs)),
  ours("BillingPeriodStart", (_, { period }) => formatTime(period.monthFromMs)),
  ours("ChargeCategory", () => "Usage"),
  theirs("ChargeDescription", (charge, { keys }) => `${keys.get("model")}: ${describe(charge)}`),
  ours("ChargeFrequency", () => "Usage-Based"),
  ours("ChargePeriodEnd", (_, { period }) => formatTime(period.toMs)),
  ours("ChargePeriodStart", (_, { period }) => formatTime(period.fromMs)),
  ours("ConsumedQuantity", quantity),
  ours("ConsumedUnit", unit),
  ours("ContractedCost", cost),
  ours("ContractedUnitPrice", unitPrice),
  ours("EffectiveCost", cost),
  ours("ListCost", cost),
  ours("ListUnitPrice", unitPrice),
  ours("PricingQuantity", quantity),
  ours("PricingUnit", unit),
  theirs("ProviderName", provider),
  theirs("PublisherName", provider),
  ours("RegionId", () => null),
  ours("ResourceId", () => null),
  ours("ServiceCategory", () => "AI and Machine Learning"),
  theirs("ServiceName", provider),
  ours("ServiceSubcategory", () => "Generative AI"),
  theirs("SkuId", ({ bucket }, { keys }) => `${keys.get("provider")}/${keys.get("model")}/${bucket}`),
  key("x_Application", "application"),
  key("x_CoveredBy", "covered_by"),
  key("x_Environment", "environment"),
  key("x_Model", "model"),
  key("x_Operation", "operation"),
  ours("x_ReportedCost", (_, { reported }) => (reported?.requests ? picoToUsd(reported.costPico) : null)),
  ours("x_ReportedRequests", (_, { reported }) => (reported?.requests ? String(reported.requests) : null)),
];

/** The columns of an export with these group keys. If one of the keys is a label, the label has a column. */
export function focusColumns(groupBy: readonly GroupKey[]): readonly FocusColumn[] {
  const label = groupBy.find(isLabel);
  const labels = label === undefined ? [] : [key(label === "user" ? "x_User" : `x_Tag_${label.slice(4)}`, label)];
  return [...COLUMNS, ...labels, ours("x_Unpriced", ({ costPico }) => String(costPico === null))];
}

function describe({ bucket, costPico }: Charge): string {
  const words = bucket.replaceAll("_", " ");
  const what = { token: `${words} tokens`, search: `${words}es` }[unitOf(bucket) as string] ?? `${words}s`;
  return costPico === null ? `${what} of unknown cost` : what;
}

/** RFC 3339 in UTC. Milliseconds are left out if they are 0. */
function formatTime(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}
