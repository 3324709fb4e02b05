/**
 * `GET /v1/values`: the values of a dimension or a label, for a field that completes what is typed. It reads no calls:
 * rows of whole UTC days, and the partial rows of those days, so that values of a moment ago are there.
 *
 * Of each kind of row it reads all, up to `MOST_READ`. With more rows in the range it reads the newest `READ_OF_MORE`:
 * the sums are of these alone, and a value that only older ones have is missing.
 */
import { sql, type SQL } from "drizzle-orm";
import { z } from "zod";
import type { Database } from "../db/client.ts";
import { constants } from "../db/sql.ts";
import { LEVEL, LEVELS } from "../ledger/levels.ts";
import { dimensionOf } from "../ledger/measures.ts";
import { picoToUsd } from "../money.ts";
import { type Asked, invalid, once, readParameters, upTo } from "../parameters.ts";
import { MAIN, mainFamilyWith, NOT_ROLLED_UP, OTHER, UNSPREAD } from "../rollup/families.ts";
import { labelsWith } from "../rollup/derive.ts";
import { DAY_MS } from "../time.ts";
import { count, usd } from "../wire.ts";
import { dimensionFilters, startsIn, unspreadFilter, valueFilter } from "./parts.ts";
import {
  FILTER_PARAMETERS,
  type Filters,
  filtersOf,
  filterValue,
  isLabel,
  type LabelName,
  type Period,
  PUBLIC_DIMENSIONS,
  type PublicDimension,
  RANGE_PARAMETERS,
  rangeOf,
  TAG,
} from "./query.ts";
import { type Zones, zoneOf } from "./zone.ts";

/** The rows of a kind that are all read. */
const MOST_READ = 50_000;
/** Of more rows no answer is whole. Fewer of them are then read, so that it comes while somebody types. */
const READ_OF_MORE = 20_000;
const MOST_VALUES = 100;
/** Of all families of rows that a project has in a level. Beside few others these are its tags. */
const MOST_FAMILIES = 1_000;

/** All keys of tags. */
const TAG_KEYS = "tag";
const FIELDS = [...PUBLIC_DIMENSIONS, "user", TAG_KEYS] as const;
const WRONG_FIELD = `must be one of ${FIELDS.join(", ")} or tag.<key>`;

export const VALUES_PARAMETERS = {
  field: once(
    z.union([z.enum(FIELDS), z.string().regex(TAG)], WRONG_FIELD),
    `Required. The field whose values are asked for: ${PUBLIC_DIMENSIONS.join(", ")}, \`user\`, \`tag.<key>\`, or \`tag\` for the keys of tags.`,
    { example: "application" },
  ),
  prefix: once(filterValue, "Only values that have this text in them, in upper or lower case."),
  ...RANGE_PARAMETERS,
  limit: once(upTo(MOST_VALUES), "Maximum number of values.", { example: "10", fallback: "20" }),
  ...FILTER_PARAMETERS,
};

export const FieldValue = z
  .object({
    value: z.string(),
    requests: count,
    cost_usd: usd.nullable().describe("Null if none of these calls has a price."),
  })
  .meta({ id: "FieldValue" });
export type FieldValue = z.infer<typeof FieldValue>;

export interface ValuesQuery extends Filters, Period {
  field: PublicDimension | LabelName | typeof TAG_KEYS;
  /** What a value has in it. Null admits all. */
  part: string | null;
  limit: number;
}

/** @throws ApiError 400 that names the wrong parameter. */
export function parseValuesQuery(params: URLSearchParams, nowMs: number, zones: Zones = zoneOf): ValuesQuery {
  const asked = readParameters(VALUES_PARAMETERS, params);
  if (asked.field === undefined) throw invalid("field", WRONG_FIELD);
  const field = asked.field as ValuesQuery["field"];
  const { fromMs, toMs } = rangeOf(asked, nowMs, zones);
  const filters = filtersOf(withoutOwn(asked, field));
  if (filters.label && (field === TAG_KEYS || isLabel(field))) {
    throw invalid("field", `cannot combine ${field} with the filter ${filters.label.name}; a query may use one label`);
  }
  return {
    fromMs: Math.floor(fromMs / DAY_MS) * DAY_MS,
    toMs: Math.ceil(toMs / DAY_MS) * DAY_MS,
    field,
    part: asked.prefix ?? null,
    limit: asked.limit,
    ...filters,
  };
}

/** Who has chosen a value is shown those beside it. */
function withoutOwn(asked: Asked<typeof VALUES_PARAMETERS>, field: ValuesQuery["field"]): typeof asked {
  if (field === TAG_KEYS) return { ...asked, tags: new Map() };
  if (field.startsWith("tag.")) return { ...asked, tags: new Map([...asked.tags].filter(([name]) => name !== field)) };
  return { ...asked, [field]: [] };
}

/** The values of the field that most calls have. */
export async function readValues(db: Database, projectId: string, query: ValuesQuery): Promise<FieldValue[]> {
  const rows = await db.query(valuesStatement(projectId, query));
  return rows.map((row) => ({
    value: String(row["value"]),
    requests: Number(row["requests"]),
    cost_usd: row["priced"] === true ? picoToUsd(BigInt(String(row["cost_pico"]))) : null,
  }));
}

export function valuesStatement(projectId: string, query: ValuesQuery): SQL {
  const { field, part, limit } = query;
  const parts = field === TAG_KEYS ? keyParts(projectId, query) : valueParts(projectId, query, field);
  return sql`
with recursive ${field === TAG_KEYS ? sql`${families(projectId)}, ` : sql``}part as (${sql.join(parts, sql` union all `)})
select value, sum(requests)::bigint as requests, coalesce(sum(cost_pico), 0)::numeric as cost_pico,
  sum(requests) > coalesce(sum(unpriced_requests), 0) as priced
from part where value not in (${OTHER}, ${NOT_ROLLED_UP})
group by value
having sum(requests) > 0${part === null ? sql`` : sql` and ${holds(part)}`}
order by 2 desc, value collate "C" limit ${limit}`;
}

/** In a locale of bytes `lower` changes ASCII alone, so other letters are also looked for in either case. */
function holds(part: string): SQL {
  const forms = new Set([part, part.toLowerCase(), part.toUpperCase()]);
  const plain = [...forms].map((form) => sql`position(${form}::text in value) > 0`);
  return sql`(position(lower(${part}::text) in lower(value)) > 0 or ${sql.join(plain, sql` or `)})`;
}

const SUMS = sql`t.requests, t.cost_pico, t.unpriced_requests`;

/** A dimension's values, or a label's. */
function valueParts(projectId: string, query: ValuesQuery, field: PublicDimension | LabelName): SQL[] {
  const label = isLabel(field) ? field : query.label?.name;
  const family = label ?? MAIN;
  const filtered = PUBLIC_DIMENSIONS.filter((name) => query.dimensions[name]);
  const days = family === MAIN ? mainFamilyWith([field as PublicDimension, ...filtered]) : family;
  const value = isLabel(field) ? sql`t.value` : dimensionOf(field);
  const among = query.label === null ? sql`` : valueFilter(query, sql`t.value`);
  const rowsOf = (level: number, rows: string): SQL =>
    sql`
  select ${value} as value, ${SUMS} from (${newest(projectId, query, level, rows, among)}) t
  where true${dimensionFilters(query)}`;
  const parts = [rowsOf(LEVEL.partial, family), ...LEVELS.day.map((level) => rowsOf(level, days))];
  if (label === undefined) return parts;
  const spread = isLabel(field) ? sql`l.value` : value;
  return [
    ...parts,
    sql`
  select ${spread} as value, ${SUMS}
  from (${newest(projectId, query, LEVEL.partial, UNSPREAD, unspreadFilter(query))}) t, lateral ${labelsWith(label)} as l
  where l.label = ${label}${valueFilter(query, sql`l.value`)}${dimensionFilters(query)}`,
  ];
}

/** The keys of tags: of each family of a tag the newest rows, as many as there is room for. */
function keyParts(projectId: string, query: ValuesQuery): SQL[] {
  const room = sql`(select ${MOST_READ}::integer / greatest(count(*), 1) from tag)`;
  return [
    sql`
  select substr(k.label, ${TAG_KEYS.length + 2}) as value, ${SUMS}
  from tag k cross join lateral (${newest(projectId, query, sql`k.level`, sql`k.label`, sql``, room)}) t
  where true${dimensionFilters(query)}`,
    sql`
  select substr(l.label, ${TAG_KEYS.length + 2}) as value, ${SUMS}
  from (${newest(projectId, query, LEVEL.partial, UNSPREAD)}) t, lateral ${labelsWith("tag.")} as l
  where true${dimensionFilters(query)}`,
  ];
}

/** The families of each level, one index look-up for each. */
function families(projectId: string): SQL {
  const next = (level: SQL, after: SQL): SQL => sql`(
    select r.label from rollup r
    where r.level = ${level} and r.project_id = ${projectId}::uuid and r.label > ${after} order by r.label limit 1)`;
  return sql`family (level, label) as (
  select k.level, ${next(sql`k.level`, sql`''`)}
  from unnest(array[${constants([LEVEL.partial, ...LEVELS.day])}]::smallint[]) as k (level)
  union all
  select f.level, ${next(sql`f.level`, sql`f.label`)} from family f where f.label is not null
),
tag as materialized (
  select f.level, f.label from (select level, label from family limit ${MOST_FAMILIES * 3}) f
  where starts_with(f.label, 'tag.')
)`;
}

/** The newest rows of a level and a family in the range. One level at a time, so that the index gives their order. */
function newest(
  projectId: string,
  { fromMs, toMs }: Period,
  level: number | SQL,
  family: string | SQL,
  among: SQL = sql``,
  most?: SQL,
): SQL {
  const rows = sql`
    from rollup t
    where t.level = ${typeof level === "number" ? constants([level]) : level} and t.project_id = ${projectId}::uuid
      and t.label = ${family} and ${startsIn([{ fromMs, toMs }])}${among}`;
  // Counting them reads the index alone, which takes a tenth of the time of reading rows.
  const room = sql`(select case when count(*) > ${MOST_READ} then ${READ_OF_MORE}::bigint else ${MOST_READ} end
      from (select 1 ${rows} limit ${MOST_READ + 1}) as counted)`;
  return sql`
    select t.* ${rows}
    order by t.bucket desc limit ${most ?? room}`;
}
