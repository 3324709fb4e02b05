/** Members of usage objects that no rule reads, by provider and by the rule that reads their emitter's calls. */
import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Database } from "../db/client.ts";
import { count, id, time } from "../wire.ts";
import { readByWeek } from "./by-week.ts";
import type { CheckQuery } from "./query.ts";

export const UnknownMember = z
  .object({
    provider: z.string(),
    member: z.string().describe("The path of the member in the usage object, or the name of an attribute."),
    rule: z.string().describe("The rule by which the emitter's calls are read, such as `native` or `litellm`."),
    requests: count.describe("Calls with the member."),
    first_seen: time.describe("Start of the first of these calls."),
    example: id.describe("The latest of these calls."),
  })
  .meta({ id: "UnknownMember" });
export type UnknownMember = z.infer<typeof UnknownMember>;

const MAX_MEMBERS = 1_000;

/**
 * Those of the most calls first; at most a thousand.
 *
 * @throws Expired if calls of the range are no longer kept.
 */
export async function unknownMembers(db: Database, projectId: string, query: CheckQuery): Promise<UnknownMember[]> {
  const found = new Map<string, UnknownMember>();
  const rows = readByWeek(
    db,
    projectId,
    query,
    (calls) => sql`
select t.provider, m.member, t.rule, count(*)::int as requests, min(t.started_at) as first_seen, max(t.id::text) as example
from traces t cross join unnest(t.unknown_usage_members) as m (member)
where ${calls} and t.unknown_usage_members is not null
group by 1, 2, 3`,
  );
  for await (const { provider, member, rule, requests, first_seen: first, example } of rows) {
    const key = JSON.stringify([provider, member, rule]);
    const known = found.get(key);
    found.set(key, {
      provider: String(provider),
      member: String(member),
      rule: String(rule),
      requests: (known?.requests ?? 0) + Number(requests),
      first_seen: known?.first_seen ?? (first as Date).toISOString(),
      example: String(example),
    });
  }
  return [...found]
    .sort(([a, { requests: most }], [b, { requests: next }]) => next - most || (a < b ? -1 : 1))
    .slice(0, MAX_MEMBERS)
    .map(([, member]) => member);
}
