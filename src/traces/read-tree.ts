/** Reads the tree of one trace: its stored calls, and its links while they are kept. */
import { sql, type SQL } from "drizzle-orm";
import { z } from "zod";
import type { Database, Row } from "../db/client.ts";
import { instantAt } from "../db/sql.ts";
import { keyRange } from "../ledger/key.ts";
import { readParameters } from "../parameters.ts";
import { requireRaw } from "../retention/kept.ts";
import { type Period, RANGE_PARAMETERS, rangeOf } from "../summary/query.ts";
import { type Zones, zoneOf } from "../summary/zone.ts";
import { count, id, time, usd } from "../wire.ts";
import { holdersInsteadOf, sightingOf } from "../write/sightings.ts";
import { MAX_NODES } from "../write/trace-nodes.ts";
import { type TreeNode, treeOf } from "./tree.ts";

export const TREE_PARAMETERS = RANGE_PARAMETERS;

const text = z.string().nullable();
const cost = usd.nullable();

export const TraceTree = z
  .object({
    trace_id: z.string(),
    truncated: z.boolean().describe(`True if the trace has more than ${MAX_NODES} spans. These are the first ones.`),
    totals: z
      .object({
        requests: count.describe("The calls that count."),
        cost_usd: cost.describe("Null if calls count and none has a price."),
        unpriced_requests: count,
        calls: count.describe("All stored calls, whether they count or not."),
        links: count,
      })
      .describe("The sums of the spans that are shown."),
    spans: z
      .array(
        z.object({
          id: id.nullable().describe("The call's id, for its receipt. Null for a link."),
          span_id: text,
          parent_id: text.describe("The span above, as it was sent. It may be missing here."),
          depth: count.describe("The number of spans above that are here."),
          kind: z.enum(["call", "link"]).describe("A link is a span between calls. Links are kept for a week."),
          name: text.describe("The call's operation."),
          application: text,
          model: text,
          start: time,
          duration_ms: z.number().min(0).nullable(),
          billable: z.boolean().describe("As the field of a call."),
          counts: z.boolean().describe("Is it in the sums?"),
          why: z.string().describe("Why it counts or does not, in words for people."),
          counted_as: id.nullable().describe("The call that counts instead, if it is one."),
          own_cost_usd: cost.describe("What the call cost by itself, also if it does not count."),
          subtree_cost_usd: cost.describe("The cost of what counts of this span and all below it."),
          subtree_requests: count.describe("How many calls that is."),
        }),
      )
      .describe("From the top down. The spans below one span come right behind it, by their start."),
  })
  .meta({ id: "TraceTree" });
export type TraceTree = z.infer<typeof TraceTree>;

/** Null without `from` and `to`. @throws ApiError 400 that names the wrong parameter. */
export function parseTreeRange(params: URLSearchParams, nowMs: number, zones: Zones = zoneOf): Period | null {
  const asked = readParameters(TREE_PARAMETERS, params);
  const range = rangeOf(asked, nowMs, zones);
  return asked.from === undefined && asked.to === undefined ? null : range;
}

/**
 * @param range of the starts of spans. Without it the index of every month is asked.
 * @returns null if the project has nothing of the trace.
 * @throws Expired if the range begins before the calls that are kept.
 */
export async function readTree(
  db: Database,
  projectId: string,
  traceId: string,
  range: Period | null,
): Promise<TraceTree | null> {
  const statements = [callsOf(projectId, traceId, range), linksOf(projectId, traceId, range)];
  const [calls = [], links = []] = await db.batch([...statements, ...(range ? [requireRaw(range.fromMs)] : [])]);
  if (calls.length + links.length === 0) return null;
  const sightings = calls.filter((row) => row["billable"] !== true).map(sightingOf);
  const holders = await holdersInsteadOf(db, projectId, sightings);
  const nodes = [...calls, ...links].map((row) => nodeOf(row, holders));
  nodes.sort((a, b) => a.startedAtMs - b.startedAtMs);
  return { trace_id: traceId, truncated: nodes.length > MAX_NODES, ...treeOf(nodes.slice(0, MAX_NODES)) };
}

/** `offset 0` has Postgres look the trace up. Before a limit it might walk all ids in their order instead. */
function callsOf(projectId: string, traceId: string, range: Period | null): SQL {
  const [lowest, highest] = range ? keyRange(range.fromMs, range.toMs) : [];
  const within = range ? sql` and t.id >= ${lowest}::uuid and t.id < ${highest}::uuid` : sql``;
  return sql`
  select t.* from (
    select t.id, t.span_id, t.parent_id, t.started_at, t.duration_us, t.wrapper, t.billable, t.nested, t.rule, t.operation,
      t.application, t.model, t.input_tokens, t.output_tokens, t.cost_pico, t.response_id, t.other_ids, h.due_at
    from traces t left join held_wrappers h on h.project_id = t.project_id and h.id = t.id
    where t.project_id = ${projectId}::uuid and t.trace_id = ${traceId}${within} offset 0
  ) t order by t.id limit ${MAX_NODES + 1}`;
}

function linksOf(projectId: string, traceId: string, range: Period | null): SQL {
  const within = range
    ? sql` and s.started_at >= ${instantAt(range.fromMs)} and s.started_at < ${instantAt(range.toMs)}`
    : sql``;
  return sql`
  select s.span_id, s.parent_id, s.started_at, s.wrapper from spans s
  where s.project_id = ${projectId}::uuid and s.trace_id = ${traceId}${within}
  order by s.started_at, s.span_id limit ${MAX_NODES + 1}`;
}

function nodeOf(row: Row, holders: ReadonlyMap<string, string>): TreeNode {
  const textOf = (name: string): string | null => (row[name] as string | null | undefined) ?? null;
  const numberOf = (name: string): number | null => ((row[name] ?? null) === null ? null : Number(row[name]));
  const callId = textOf("id");
  const [input, output] = [numberOf("input_tokens"), numberOf("output_tokens")];
  return {
    id: callId,
    spanId: textOf("span_id"),
    parentId: textOf("parent_id"),
    startedAtMs: (row["started_at"] as Date).getTime(),
    durationUs: numberOf("duration_us"),
    wrapper: row["wrapper"] === true,
    billable: row["billable"] === true,
    nested: row["nested"] === true,
    heldUntilMs: (row["due_at"] as Date | null | undefined)?.getTime() ?? null,
    rule: textOf("rule") ?? "",
    operation: textOf("operation"),
    application: textOf("application"),
    model: textOf("model"),
    tokens: input === null && output === null ? null : (input ?? 0) + (output ?? 0),
    costPico: (row["cost_pico"] ?? null) === null ? null : BigInt(String(row["cost_pico"])),
    instead: callId === null ? null : (holders.get(callId) ?? null),
  };
}
