/** What the counters of a metric say, in the ledger's terms. */
import type { Point } from "../../../coverage/point.ts";
import { floatToPico } from "../../../money.ts";
import { ItemRefused, keptStart, keptText, unlessRefused } from "../item.ts";
import { APPLICATION } from "../span/attributes.ts";
import { textOf, type Attributes } from "../span/span.ts";
import { type Counter, counterOf, type Kinds } from "./emitters.ts";
import { CUMULATIVE, DELTA, type DataPoint, type Metric } from "./metric.ts";

const NS_PER_MS = 1_000_000n;
const SESSION = ["session.id", "gen_ai.conversation.id", "conversation.id"];
/** What tells installations apart for longer than a process runs. None of it names a person. */
const INSTANCE = ["host.id", "host.name", "installation.id"];
const MODEL = ["model", "gen_ai.response.model", "gen_ai.request.model"];

/** The points of a metric that some counter reads. One that is wrong becomes its refusal. */
export function toPoints(metric: Metric, nowMs: number): (Point | ItemRefused)[] {
  const { source, name, temporality } = metric;
  const counter = counterOf(name, [source.scopeName, textOf(source.resource, APPLICATION) ?? ""]);
  const { emitter = null } = counter ?? {};
  if (counter === undefined || emitter === null) return [];
  if (temporality !== DELTA && temporality !== CUMULATIVE)
    return metric.points.map(() => new ItemRefused(`${name} is neither a sum nor a histogram with a temporality`));
  const named = { ...counter, emitter };
  return metric.points.flatMap((point) =>
    point instanceof ItemRefused ? [point] : (unlessRefused(() => toPoint(metric, named, point, nowMs)) ?? []),
  );
}

type Named = Counter & { emitter: Point["emitter"] };

/** @returns null for a kind that no row reads, and for a point without a value. */
function toPoint(metric: Metric, counter: Named, point: DataPoint, nowMs: number): Point | null {
  const { source, name, temporality } = metric;
  const { attributes, startNs, timeNs } = point;
  const measures = kindsOf(counter, attributes)[kindOf(counter, name, attributes)];
  if (measures === undefined || point.empty) return null;
  if (startNs === null || timeNs === null) throw new ItemRefused("a time is not a whole number of nanoseconds");
  keptStart(Number(timeNs / NS_PER_MS), nowMs, "the point's time");
  const cumulative = temporality === CUMULATIVE;
  const text = (names: readonly string[]): string | null => textOf(attributes, names) ?? textOf(source.resource, names);
  const application = text(APPLICATION);
  return {
    emitter: counter.emitter,
    application: application === null ? "unknown" : keptText(application, "application"),
    measures,
    series: JSON.stringify([name, source.scopeName, identityOf(source.resource), identityOf(attributes), temporality]),
    session: text(SESSION),
    instance: text(INSTANCE) ?? (counter.installation === undefined ? null : text([counter.installation])),
    cumulative,
    startNs,
    timeNs,
    amount: amountOf(name, measures[0] === "cost", point.value),
  };
}

function kindOf({ kind, name }: Counter, sent: string, attributes: Attributes): string {
  return kind === null ? sent.slice(name.length) : (textOf(attributes, [kind]) ?? "");
}

function kindsOf({ kinds, ofGemini }: Counter, attributes: Attributes): Kinds {
  return ofGemini && /^(?:.*\/)?gemini-/i.test(textOf(attributes, MODEL) ?? "") ? ofGemini : kinds;
}

function amountOf(name: string, isCost: boolean, value: number | null): bigint {
  if (value === null) throw new ItemRefused(`${name} has no value`);
  if (value < 0) return -1n;
  const amount = isCost ? (value === 0 ? 0n : floatToPico(value)) : Number.isSafeInteger(value) ? BigInt(value) : null;
  if (amount === null) throw new ItemRefused(`${name} is not ${isCost ? "an amount of USD" : "a whole number"}`);
  return amount;
}

/** The attributes in an order of their own, since exporters send them in any. */
function identityOf(attributes: Attributes): [string, string][] {
  return [...attributes]
    .map(([key, value]): [string, string] => [key, String(value)])
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
