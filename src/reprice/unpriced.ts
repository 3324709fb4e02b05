/** The models of unpriced calls, from the rollups. */
import { DAY_MS } from "../time.ts";
import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Database } from "../db/client.ts";
import { constants, instantAt } from "../db/sql.ts";
import { LEVEL, LEVELS } from "../ledger/levels.ts";
import { MAIN } from "../rollup/families.ts";
import { count, day } from "../wire.ts";

export const UnpricedModel = z
  .object({
    provider: z.string(),
    model: z.string(),
    service_tier: z.string().nullable(),
    unpriced_requests: count,
    unpriced_tokens: count,
    first_day: day.describe("The UTC day of the first unpriced call."),
    last_day: day,
  })
  .meta({ id: "UnpricedModel" });
export type UnpricedModel = z.infer<typeof UnpricedModel>;

const MAX_MODELS = 1_000;

/** The unpriced models of the whole UTC days that `[fromMs, toMs)` touches: at most a thousand, most tokens first. */
export async function unpricedModels(
  db: Database,
  projectId: string,
  fromMs: number,
  toMs: number,
): Promise<UnpricedModel[]> {
  const startMs = Math.floor(fromMs / DAY_MS) * DAY_MS;
  const endMs = Math.ceil(toMs / DAY_MS) * DAY_MS;
  // Summed by day first: calls that were priced later left negative rows, so only a sum shows if a day has unpriced
  // calls.
  const rows = await db.query(sql`
select provider, model, nullif(service_tier, '') as service_tier,
  sum(requests)::bigint as unpriced_requests, sum(tokens)::bigint as unpriced_tokens,
  to_char(min(day), 'YYYY-MM-DD') as first_day, to_char(max(day), 'YYYY-MM-DD') as last_day
from (
  select provider, model, service_tier, date_trunc('day', bucket at time zone 'UTC') as day,
    total(unpriced_requests) as requests, coalesce(total(unpriced_tokens), 0) as tokens
  from rollup
  where level in (${constants([LEVEL.partial, ...LEVELS.day])}) and project_id = ${projectId}::uuid and label = ${MAIN}
    and bucket >= ${instantAt(startMs)} and bucket < ${instantAt(endMs)}
  group by 1, 2, 3, 4
  having total(unpriced_requests) > 0
) by_day
group by 1, 2, 3
order by unpriced_tokens desc, unpriced_requests desc, provider, model, service_tier
limit ${MAX_MODELS}`);
  return rows.map((row) => ({
    provider: String(row["provider"]),
    model: String(row["model"]),
    service_tier: row["service_tier"] as string | null,
    unpriced_requests: Number(row["unpriced_requests"]),
    unpriced_tokens: Number(row["unpriced_tokens"]),
    first_day: String(row["first_day"]),
    last_day: String(row["last_day"]),
  }));
}
