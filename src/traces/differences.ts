/**
 * Where the cost differs from what callers or providers reported, over the same calls: those of which both are known.
 */
import { sql } from "drizzle-orm";
import { z } from "zod";
import { readByWeek } from "./by-week.ts";
import type { CheckQuery } from "./query.ts";
import type { Database, Row } from "../db/client.ts";
import { picoToUsd } from "../money.ts";
import { count, id, usd, usdDifference } from "../wire.ts";

export const PriceDifference = z
  .object({
    provider: z.string(),
    model: z.string(),
    service_tier: z.string().nullable(),
    requests: count.describe("Calls with both costs."),
    cost_usd: usd,
    reported_cost_usd: usd,
    difference_usd: usdDifference.describe("`cost_usd` minus `reported_cost_usd`."),
    example: id.describe("The call whose costs differ most."),
  })
  .meta({ id: "PriceDifference" });
export type PriceDifference = z.infer<typeof PriceDifference>;

const MAX_DIFFERENCES = 1_000;

interface Group {
  provider: string;
  model: string;
  tier: string | null;
  requests: number;
  costPico: bigint;
  reportedPico: bigint;
  example: string;
  mostPico: bigint;
}

/**
 * The largest difference first; at most a thousand.
 *
 * @throws Expired if calls of the range are no longer kept.
 */
export async function priceDifferences(db: Database, projectId: string, query: CheckQuery): Promise<PriceDifference[]> {
  const groups = new Map<string, Group>();
  // All groups with both costs, since those that agree in one week may differ in another.
  const rows = readByWeek(
    db,
    projectId,
    query,
    (calls) => sql`
select t.provider, t.model, t.service_tier, count(*)::int as requests, sum(t.cost_pico)::text as cost,
  sum(t.reported_cost_pico)::text as reported, max(abs(t.cost_pico - t.reported_cost_pico))::text as most,
  (array_agg(t.id order by abs(t.cost_pico - t.reported_cost_pico) desc, t.id))[1] as example
from traces t
where ${calls} and t.cost_pico is not null and t.reported_cost_pico is not null
group by 1, 2, 3`,
  );
  for await (const row of rows) {
    const group = groupOf(row);
    const key = JSON.stringify([group.provider, group.model, group.tier]);
    groups.set(key, added(groups.get(key), group));
  }
  return [...groups]
    .filter(([, { mostPico }]) => mostPico > 0n)
    .map(([key, group]) => ({ key, group, pico: group.costPico - group.reportedPico }))
    .sort((a, b) => compare(size(b.pico), size(a.pico)) || compare(a.key, b.key))
    .slice(0, MAX_DIFFERENCES)
    .map(({ group, pico }) => ({
      provider: group.provider,
      model: group.model,
      service_tier: group.tier,
      requests: group.requests,
      cost_usd: picoToUsd(group.costPico),
      reported_cost_usd: picoToUsd(group.reportedPico),
      difference_usd: picoToUsd(pico),
      example: group.example,
    }));
}

function groupOf(row: Row): Group {
  return {
    provider: String(row["provider"]),
    model: String(row["model"]),
    tier: row["service_tier"] as string | null,
    requests: Number(row["requests"]),
    costPico: BigInt(String(row["cost"])),
    reportedPico: BigInt(String(row["reported"])),
    mostPico: BigInt(String(row["most"])),
    example: String(row["example"]),
  };
}

function added(a: Group | undefined, b: Group): Group {
  if (!a) return b;
  return {
    ...(b.mostPico > a.mostPico ? b : a),
    requests: a.requests + b.requests,
    costPico: a.costPico + b.costPico,
    reportedPico: a.reportedPico + b.reportedPico,
  };
}

const size = (pico: bigint): bigint => (pico < 0n ? -pico : pico);
const compare = <T>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);
