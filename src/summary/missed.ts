/**
 * The calls that a filter by values of a tag misses: they have the tag, but it is not rolled up, because they have more
 * tags than are.
 */
import type { SQL } from "drizzle-orm";
import { sql } from "../db/sql.ts";
import { NOT_ROLLED_UP } from "../rollup/families.ts";
import { type Parts, partsOf, signed } from "./parts.ts";
import type { Filters } from "./query.ts";

/** Who asks for the calls that are not rolled up misses none. */
export function mayMiss({ label }: Pick<Filters, "label">): boolean {
  return label !== null && label.name !== "user" && !label.values.includes(NOT_ROLLED_UP);
}

/**
 * Selects one row with their number, `not_rolled_up`, of those that the filters by dimensions let through. Null if the
 * question misses none.
 */
function missedBy({
  projectId,
  query,
  windows,
}: Pick<Parts, "projectId" | "windows"> & { query: Filters }): SQL | null {
  if (!mayMiss(query)) return null;
  const { name } = query.label!;
  const parts = partsOf({
    projectId,
    windows,
    filters: { ...query, label: { name, values: [NOT_ROLLED_UP] } },
    family: name,
    dimensions: [],
    shown: (row) => sql`${signed(row, row.of === "rollup" ? sql`t.requests` : sql`1`)} as requests`,
  });
  return sql`select coalesce(sum(requests), 0)::bigint as not_rolled_up from (${sql.join(parts, sql` union all `)}) one`;
}

/**
 * The groups with that number beside, if the question may miss any. Without groups, a row of nulls carries the number.
 */
export function withMissed(groups: SQL, asked: Parameters<typeof missedBy>[0]): SQL {
  const missed = missedBy(asked);
  if (missed === null) return groups;
  return sql`select g.*, n.not_rolled_up from (${missed}) n left join (${groups}) g on true`;
}
