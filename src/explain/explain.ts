/** Explains why the cost changed between two periods. One statement reads the rollup rows of both. */
import { showSums, Sums } from "../summary/shown.ts";
import { z } from "zod";
import { type Database, type Row, StatementTooLarge } from "../db/client.ts";
import { answerTooLarge } from "../errors.ts";
import { picoToUsd } from "../money.ts";
import { BUCKETS } from "../ledger/buckets.ts";
import { canonicalTier } from "../pricing/service-tier.ts";
import { mayMiss } from "../summary/missed.ts";
import { readWindows } from "../summary/parts.ts";
import { formatInstant } from "../time.ts";
import { count, time, usd, usdDifference } from "../wire.ts";
import type { CallSums } from "./priced.ts";
import type { ExplainQuery } from "./query.ts";
import { type Cell, grouped, noParts, type Part, PARTS, type Parts, type Split, split } from "./split.ts";
import { EXPLAINED, explainStatement, explainWindows, READ_NAMES } from "./statement.ts";

const shownParts = z
  .object(Object.fromEntries(PARTS.map((part) => [`${part}_usd`, usdDifference])) as Record<`${Part}_usd`, z.ZodString>)
  .meta({
    id: "Parts",
    description: "The part of the difference that each cause has. The parts add up to `difference_usd` exactly.",
  });
export type ShownParts = z.infer<typeof shownParts>;

const ExplainedRow = z
  .object({
    application: z.string(),
    provider: z.string(),
    model: z.string(),
    before_requests: count,
    after_requests: count,
    before_unpriced_requests: count,
    after_unpriced_requests: count,
    before_usd: usd.nullable().describe("Null if there are calls and none has a price. Differences count a null as 0."),
    after_usd: usd.nullable(),
    difference_usd: usdDifference,
    parts: shownParts,
  })
  .meta({ id: "ExplainedRow" });
export type ExplainedRow = z.infer<typeof ExplainedRow>;

export const Explanation = z
  .object({
    from: time,
    to: time,
    compare_from: time,
    compare_to: time,
    tz: z.string(),
    as_of: time,
    before: Sums,
    after: Sums,
    capped: z
      .literal(true)
      .exactOptional()
      .describe(
        "Set if the periods have more groups than can be told apart: those with the lowest costs are combined, `(other)` is then their application or model. To see them, filter.",
      ),
    not_rolled_up: z
      .record(z.string(), count)
      .exactOptional()
      .describe(
        "By the tag that the question filters by: how many calls of both periods have it, but more than ten tags, of which it is not among the ten that are rolled up. The filter leaves them out.",
      ),
    difference_usd: usdDifference,
    parts: shownParts,
    rows: z
      .array(ExplainedRow)
      .describe("The row with the largest difference comes first. The rows add up to the totals, part by part."),
  })
  .meta({ id: "Explanation" });
export type Explanation = z.infer<typeof Explanation>;

/** With more groups of the main dimensions, in both periods together, the database combines most of them. */
const MAX_GROUPS = 10_000;

type Side = "before" | "after";

/**
 * @throws ApiError `answer_too_large` if even the combined groups have more than 10 MB.
 * @throws Expired if a period needs hour rows or calls that have been deleted.
 */
export async function explain(
  db: Database,
  projectId: string,
  query: ExplainQuery,
  nowMs: number,
): Promise<Explanation> {
  const windows = [...explainWindows(query, "before"), ...explainWindows(query, "after")];
  const read = async (maxRows: number | null): Promise<Row[]> =>
    await readWindows(db, explainStatement(projectId, query, maxRows), windows);
  const whole = await read(MAX_GROUPS + 1).catch(nullIfTooLarge);
  const capped = whole === null || whole.length > MAX_GROUPS;
  const rowsRead = capped ? await read(null).catch(nullIfTooLarge) : whole;
  if (rowsRead === null)
    throw answerTooLarge("filter by some applications, environments, providers, models or operations", "application");
  const groups = rowsRead.filter((row) => row["side"] !== null).map(readGroup);
  const missed = mayMiss(query) ? Number(rowsRead[0]!["not_rolled_up"]) : 0;
  const splits = split(cellsOf(groups));
  const byModel = Map.groupBy(groups, modelKey);
  const rows = splits.map((one) => toRow(one, byModel.get(modelKey(one))!)).sort(inOrder);
  const [before, after] = [sumOf(groups, "before"), sumOf(groups, "after")];
  return {
    from: formatInstant(query.after.fromMs),
    to: formatInstant(query.after.toMs),
    compare_from: formatInstant(query.before.fromMs),
    compare_to: formatInstant(query.before.toMs),
    tz: query.zone.name,
    as_of: formatInstant(nowMs),
    before: showSums(before),
    after: showSums(after),
    ...(capped && { capped }),
    ...(missed > 0 && { not_rolled_up: { [query.label!.name]: missed } }),
    difference_usd: picoToUsd(after("cost_pico") - before("cost_pico")),
    parts: showParts(addedUp(splits)),
    rows: rows.map(({ shown }) => shown),
  };
}

function nullIfTooLarge(error: unknown): null {
  if (error instanceof StatementTooLarge) return null;
  throw error;
}

interface Group {
  side: Side;
  application: string;
  environment: string;
  operation: string;
  provider: string;
  model: string;
  tier: string;
  sums: Map<string, bigint>;
}

function readGroup(row: Row): Group {
  const [application, environment, provider, model, operation, tier] = EXPLAINED.map((name) => String(row[name]));
  return {
    side: row["side"] as Side,
    application: application!,
    environment: environment!,
    operation: operation!,
    provider: provider!,
    model: model!,
    tier: canonicalTier(tier!) ?? "",
    sums: new Map(READ_NAMES.map((name) => [name, BigInt(String(row[name]))])),
  };
}

function cellsOf(groups: readonly Group[]): Cell[] {
  return grouped(groups, ({ application, environment, operation, provider, model, tier }) => [
    application,
    environment,
    operation,
    provider,
    model,
    tier,
  ]).map((both) => {
    const { side: _, sums: __, ...key } = both[0]!;
    return { ...key, before: callSums(both, "before"), after: callSums(both, "after") };
  });
}

function callSums(groups: readonly Group[], side: Side): CallSums | null {
  if (!groups.some((group) => group.side === side)) return null;
  const of = sumOf(groups, side);
  return {
    requests: of("requests"),
    unpricedRequests: of("unpriced_requests"),
    unpricedTokens: of("unpriced_tokens"),
    held: BUCKETS.map((bucket) => (bucket === "request" ? of("requests") : of(`held_${bucket}`))),
    costPico: BUCKETS.map((bucket) => of(`cost_${bucket}_pico`)),
  };
}

/** Sums a column over the groups of one side. */
function sumOf(groups: readonly Group[], side: Side): (name: string) => bigint {
  const own = groups.filter((group) => group.side === side);
  return (name) => own.reduce((sum, { sums }) => sum + sums.get(name)!, 0n);
}

function modelKey({ application, provider, model }: Split | Group): string {
  return JSON.stringify([application, provider, model]);
}

interface SplitRow {
  differencePico: bigint;
  shown: ExplainedRow;
}

/** @throws Error if the parts do not add up to the difference of the costs. */
function toRow({ application, provider, model, parts }: Split, groups: readonly Group[]): SplitRow {
  const [before, after] = [sumOf(groups, "before"), sumOf(groups, "after")];
  const differencePico = after("cost_pico") - before("cost_pico");
  if (PARTS.reduce((sum, part) => sum + parts[part], 0n) !== differencePico)
    throw new Error("the parts of a cost's difference do not add up to it");
  const shown = {
    application,
    provider,
    model,
    before_requests: Number(before("requests")),
    after_requests: Number(after("requests")),
    before_unpriced_requests: Number(before("unpriced_requests")),
    after_unpriced_requests: Number(after("unpriced_requests")),
    before_usd: money(before, "cost_pico", "unpriced_requests"),
    after_usd: money(after, "cost_pico", "unpriced_requests"),
    difference_usd: picoToUsd(differencePico),
    parts: showParts(parts),
  };
  return { differencePico, shown };
}

/** Orders by the size of the difference, the largest first, then by keys. */
function inOrder(a: SplitRow, b: SplitRow): number {
  const size = (pico: bigint): bigint => (pico < 0n ? -pico : pico);
  const difference = size(b.differencePico) - size(a.differencePico);
  if (difference !== 0n) return difference > 0n ? 1 : -1;
  for (const key of ["application", "provider", "model"] as const)
    if (a.shown[key] !== b.shown[key]) return a.shown[key] < b.shown[key] ? -1 : 1;
  return 0;
}

function addedUp(splits: readonly Split[]): Parts {
  const sum = noParts();
  for (const { parts } of splits) for (const part of PARTS) sum[part] += parts[part];
  return sum;
}

function showParts(parts: Parts): ShownParts {
  return Object.fromEntries(PARTS.map((part) => [`${part}_usd`, picoToUsd(parts[part])])) as ShownParts;
}

function money(of: (name: string) => bigint, sum: string, without: string): string | null {
  return of("requests") > 0n && of("requests") === of(without) ? null : picoToUsd(of(sum));
}
