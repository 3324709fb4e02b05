/** One row of a file as a native call: a mapped column, else the column named like the field, else the default. */
import { BadCell, convert, FIELDS, kindOf, TAG_PREFIX, type Kind } from "./fields.ts";

export type Values = Record<string, unknown>;

export interface Mapping {
  /** Field -> column; an empty one: the field comes from no column. */
  columns: ReadonlyMap<string, string>;
  /** Field -> what it is where the row has nothing. */
  defaults: ReadonlyMap<string, unknown>;
  /** Offset of times that name none, in minutes east of UTC. */
  zoneMinutes: number;
}

/** @throws BadCell for a row that cannot be a call. */
export function rowToTrace(row: Values, mapping: Mapping): Values {
  const trace: Values = {};
  const tags: Record<string, unknown> = {};
  const put = (field: string, kind: Kind, value: unknown): void => {
    const converted = convert(field, kind, value, mapping.zoneMinutes);
    if (converted === undefined) return;
    if (field === "tags") Object.assign(tags, converted);
    else if (field.startsWith(TAG_PREFIX)) tags[field.slice(TAG_PREFIX.length)] = converted;
    else trace[field] = converted;
  };

  for (const [field, value] of mapping.defaults) put(field, kindOf(field)!, value);
  for (const [field, kind] of FIELDS) if (!mapping.columns.has(field)) put(field, kind, own(row, field));
  for (const column in row) {
    if (column.startsWith(TAG_PREFIX) && !mapping.columns.has(column) && kindOf(column))
      put(column, "text", row[column]);
  }
  for (const [field, column] of mapping.columns) put(field, kindOf(field)!, lookUp(row, column));

  if (Object.keys(tags).length > 0) trace["tags"] = tags;
  for (const field of ["timestamp", "model"]) if (trace[field] === undefined) throw new BadCell(`${field} is missing`);
  return trace;
}

/** A column by its name, or inside nested JSON by a dotted path such as `usage.prompt_tokens`. */
function lookUp(row: Values, column: string): unknown {
  if (column === "") return undefined;
  const direct = own(row, column);
  if (direct !== undefined || !column.includes(".")) return direct;
  let value: unknown = row;
  for (const key of column.split(".")) {
    if (typeof value !== "object" || value === null) return undefined;
    value = own(value as Values, key);
  }
  return value;
}

function own(row: Values, column: string): unknown {
  return Object.hasOwn(row, column) ? row[column] : undefined;
}
