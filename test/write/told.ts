/** What a ledger tells by labels once cron has decided all that it holds: its calls, summaries, and lists of calls. */
import type { Database } from "../../src/db/client.ts";
import { merge } from "../../src/rollup/merge.ts";
import { parseSummaryQuery } from "../../src/summary/query.ts";
import { summarize } from "../../src/summary/summarize.ts";
import { parseTracesQuery } from "../../src/traces/query.ts";
import { listTraces } from "../../src/traces/read.ts";
import { decided } from "./decided.ts";
import { START_MS } from "./histories.ts";

const RANGE = { from: String(START_MS - 86_400_000), to: String(START_MS + 3 * 86_400_000) };

const summaryBy = async (db: Database, project: string, label: string): Promise<unknown> => {
  const query = parseSummaryQuery(new URLSearchParams({ ...RANGE, group_by: label }), START_MS);
  const { rows, totals } = await summarize(db, project, query, START_MS);
  return [...rows, totals].map((row) => [
    (row as Record<string, unknown>)[label],
    row.requests,
    row.cost_usd,
    row.plan_cost_usd,
  ]);
};

const listed = async (db: Database, project: string, filter: Record<string, string>): Promise<unknown> => {
  const query = parseTracesQuery(new URLSearchParams({ ...RANGE, ...filter }), START_MS);
  return (await listTraces(db, project, query)).traces.map(({ client_id }) => client_id);
};

/**
 * @param tags by key, the values that are asked for.
 * @param merged if true, the rows are merged before the last summaries.
 */
export async function toldOf(
  db: Database,
  project: string,
  users: readonly string[],
  sessions: readonly string[],
  tags: Readonly<Record<string, readonly string[]>>,
  merged = false,
): Promise<unknown> {
  const rows = await decided(db, project);
  if (merged) await merge(db, Date.now, Infinity);
  const labels = ["user", ...Object.keys(tags).map((key) => `tag.${key}`)];
  const filters = [
    ...users.map((user) => ({ user })),
    ...sessions.map((session_id) => ({ session_id })),
    ...Object.entries(tags).flatMap(([key, values]) => values.map((value) => ({ [`tag.${key}`]: value }))),
  ];
  return {
    rows,
    covered: await summaryBy(db, project, "covered_by"),
    plans: await listed(db, project, { covered_by: "plan" }),
    summaries: await Promise.all(labels.map((label) => summaryBy(db, project, label))),
    lists: await Promise.all(filters.map((filter) => listed(db, project, filter))),
  };
}
