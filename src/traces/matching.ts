/** Which stored calls a question is about: those of a range of ids that the filters let through. */
import { type Placeholder, sql, type SQL } from "drizzle-orm";
import { textArray } from "../db/array-literal.ts";
import { dimensionOf } from "../ledger/measures.ts";
import type { TraceFilters } from "./query.ts";

/**
 * The ids between two others, which are excluded. No call has the lowest id of a millisecond, which `keyRange` gives.
 */
export interface IdRange {
  after: string;
  before: string;
}

/** The values of a condition by their names, or placeholders for them. */
export type Named = (name: string) => string | null | Placeholder;

/** The condition on `t` for calls of a range that the filters let through. */
export function matching(projectId: string, filters: TraceFilters, range: IdRange): SQL {
  const values = valuesOf(projectId, filters, range);
  const value = (name: string): string | null => values[name]!;
  return sql`${within(value)} and ${passing(filters, value)}`;
}

/** The condition for calls that the filters let through. Its text depends only on what `shapeOf` tells of them. */
export function passing({ columns, labels, unpricedOnly, all }: TraceFilters, value: Named): SQL {
  const conditions = [
    ...Object.keys(columns).map((name) => inColumn(name, value)),
    ...labels.map(({ name }, i) => sql`${labelColumn(name, i, value)} = any(${value(`label${i}`)}::text[])`),
    ...(unpricedOnly ? [sql`t.cost_pico is null`] : []),
    all ? sql`true` : sql`t.billable`,
  ];
  return sql.join(conditions, sql` and `);
}

export function shapeOf({ columns, labels, unpricedOnly, all }: TraceFilters): string {
  return JSON.stringify([Object.keys(columns), labels.map(({ name }) => name === "user"), unpricedOnly, all]);
}

export function valuesOf(
  projectId: string,
  { columns, labels }: TraceFilters,
  range: IdRange,
): Record<string, string | null> {
  const values: Record<string, string | null> = { project: projectId, ...range };
  for (const [name, texts] of Object.entries(columns)) values[name] = textArray(texts);
  for (const [i, { name, values: texts }] of labels.entries()) {
    values[`tag${i}`] = name.slice("tag.".length);
    values[`label${i}`] = textArray(texts);
  }
  return values;
}

export function inColumn(name: string, value: Named): SQL {
  const column = name === "covered_by" ? dimensionOf(name) : sql`t.${sql.identifier(name)}`;
  return sql`${column} = any(${value(name)}::text[])`;
}

export function within(value: Named): SQL {
  return sql`t.project_id = ${value("project")}::uuid and t.id > ${value("after")}::uuid and t.id < ${value("before")}::uuid`;
}

function labelColumn(name: string, i: number, value: Named): SQL {
  return name === "user" ? sql`t.user_id` : sql`t.tags->>${value(`tag${i}`)}::text`;
}
