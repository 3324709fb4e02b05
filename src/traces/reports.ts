/** The reports that are one call: by which ids they joined, and why the one counts that does. */
import { sql } from "drizzle-orm";
import { z } from "zod";
import { compileNamed, type Database, type Row } from "../db/client.ts";
import { startOfKey } from "../ledger/key.ts";
import { id, time } from "../wire.ts";
import { chained, stored } from "../write/chains.ts";
import { byRank, type Rank, RANK_NAMES, rankColumns } from "../write/ranking.ts";
import { scopeOf } from "../write/scope.ts";
import { type Sighting, sightedValues, sightingOf } from "../write/sightings.ts";
import type { ShownTrace } from "./shown.ts";

/** What decides if two reports rank equally. */
const FIRST = "began_first";

export const Report = z
  .object({
    id: id.describe("The id of the call that the report was stored as."),
    rule: z.string().describe("By which rule it was read. It names the emitter's kind of report."),
    application: z.string(),
    timestamp: time,
    received_at: time,
    joined_by: z.array(z.string()).describe("The ids that it shares with another report of the list."),
    counts: z.boolean(),
    decided_by: z
      .enum([...RANK_NAMES, FIRST])
      .nullable()
      .describe("In what the report that counts is ahead of this one. Null for that report."),
  })
  .meta({ id: "Report" });
export type Report = z.infer<typeof Report>;

export const Filled = z
  .record(z.string(), id)
  .describe(
    "The fields that the call's own report lacks, and from which report each is: `request_model`, `covered_by`, `user_id`, `session_id`, and `tags.` with a tag's name. Sums and filters have them too.",
  );

const REPORTS = compileNamed(sql`
with chained as materialized (${chained})
select distinct on (r.place) r.* from (
  select t.id, t.rule, t.application, t.started_at, t.received_at, t.billable, t.response_id, t.other_ids, ${rankColumns()},
    k.component, k.chain, row_number() over (order by ${byRank}) as place
  from ${stored()} and not k.crowded
) r order by r.place`);

/**
 * The reports of a call, the best one first. The call alone, if no other report joined it.
 *
 * @param row has `rule` and `other_ids` as they are stored, and `is_shared`: whether an id of the call has others.
 */
export async function readReports(db: Database, projectId: string, call: ShownTrace, row: Row): Promise<Report[]> {
  const sighting = sightingOf({ id: call.id, response_id: call["response_id"], other_ids: row["other_ids"] });
  const found = row["is_shared"] === true ? await readJoined(db, projectId, sighting) : [];
  const known = new Map(found.map((one) => [String(one["id"]), one]));
  if (!known.has(call.id)) return [alone(call, String(row["rule"]))];
  const rows = [...known.values()];
  const uses = new Map<string, number>();
  for (const one of rows) for (const text of idsOf(one)) uses.set(text, (uses.get(text) ?? 0) + 1);
  return rows.map((one) => ({
    id: String(one["id"]),
    rule: String(one["rule"]),
    application: String(one["application"]),
    timestamp: (one["started_at"] as Date).toISOString(),
    received_at: (one["received_at"] as Date).toISOString(),
    joined_by: [...idsOf(one)].filter((text) => uses.get(text)! > 1),
    counts: one["billable"] === true,
    decided_by: one === rows[0] ? null : (RANK_NAMES.find((name) => isBehind(one, rows[0]!, name)) ?? FIRST),
  }));
}

function alone(call: ShownTrace, rule: string): Report {
  const { id, application, timestamp, received_at, billable } = call as ShownTrace & Report & { billable: boolean };
  return { id, rule, application, timestamp, received_at, joined_by: [], counts: billable, decided_by: null };
}

async function readJoined(db: Database, projectId: string, sighting: Sighting): Promise<Row[]> {
  const scope = scopeOf(projectId, [startOfKey(sighting.id)], 0);
  const { statement, values } = REPORTS({ ...scope, ...sightedValues([sighting]) });
  return await db.run(statement, values);
}

function idsOf(row: Row): Set<string> {
  const { responseId, otherIds } = sightingOf(row);
  return new Set(responseId === null ? otherIds : [responseId, ...otherIds]);
}

function isBehind(row: Row, best: Row, name: Rank): boolean {
  return String(row[name]) !== String(best[name]);
}
