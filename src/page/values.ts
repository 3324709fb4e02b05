/** What is asked of `/v1/values` to complete what is typed into a filter. */
import { type Filter, type FilterField, filterQuery, isLabel, MAX_VALUE } from "./filters.ts";
import type { Range } from "./range.ts";
import { iso } from "./zone.ts";

/** `tag`: the keys of tags. */
export type ValuesField = FilterField | "tag";

/** The ledger takes one label at a time, so of other labels no filters are asked along. */
export function valuesQuery(field: ValuesField, text: string, filters: readonly Filter[], { from, to, zone }: Range) {
  const own = field === "tag" || isLabel(field) ? field : filters.find((filter) => isLabel(filter.field))?.field;
  const asked = filters.filter((filter) => !isLabel(filter.field) || filter.field === own);
  return {
    field,
    from: iso(from),
    to: iso(to),
    tz: zone,
    ...(text !== "" && { prefix: text.slice(0, MAX_VALUE) }),
    ...filterQuery(new URLSearchParams(asked.map(({ field, value }) => [field, value]))),
  };
}
