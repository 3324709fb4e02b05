/** What was seen in a range but not at its end: an emitter whose exporter stopped, or a machine that is gone. */
import { sql } from "drizzle-orm";
import { textArray } from "../db/array-literal.ts";
import type { Database } from "../db/client.ts";
import { DAY_MS } from "../time.ts";
import { AGENT_NAMES } from "./agents.ts";
import type { Sides } from "./coverage.ts";
import type { CoverageQuery } from "./query.ts";
import type { Silent } from "./shown.ts";

const AFTER_MS = DAY_MS;
/** Those that were seen last. */
const MAX_SILENT = 100;

/** The last seen first. Emitters are seen by calls and counters, machines only by counters. */
export async function readSilent(
  db: Database,
  projectId: string,
  query: CoverageQuery,
  sides: readonly Sides[],
): Promise<Silent[]> {
  const beforeMs = query.endMs - AFTER_MS;
  const emitters = sides.flatMap(({ emitter, application, said, counted }) => {
    const lastMs = Math.max(...[...said, ...counted].map(({ lastAtMs }) => lastAtMs));
    return lastMs < beforeMs ? [{ emitter, application, installation: null, lastMs }] : [];
  });
  const machines = (await db.query(installations(projectId, query, beforeMs))).map((row) => ({
    emitter: String(row["emitter"]),
    application: row["application"] as string | null,
    installation: String(row["instance"]),
    lastMs: Number(row["last_ms"]),
  }));
  return [...emitters, ...machines]
    .sort((a, b) => b.lastMs - a.lastMs)
    .slice(0, MAX_SILENT)
    .map(({ lastMs, ...silent }) => ({ ...silent, last_at: new Date(lastMs).toISOString() }));
}

const isoDay = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

const installations = (projectId: string, { fromMs, toMs }: CoverageQuery, beforeMs: number) => sql`
with seen as (
  select r.emitter, r.instance, r.last_at,
    case when r.emitter <> all(${textArray(AGENT_NAMES)}::text[]) then r.application end as application
  from reported_usage r
  where r.project_id = ${projectId}::uuid and r.day >= ${isoDay(fromMs)}::date and r.day < ${isoDay(toMs)}::date
    and r.instance is not null
)
select emitter, application, instance::text as instance, extract(epoch from max(last_at)) * 1000 as last_ms
from seen group by emitter, application, instance
having max(last_at) < to_timestamp(${beforeMs}::float8 / 1000)
order by max(last_at) desc, instance limit ${MAX_SILENT}`;
