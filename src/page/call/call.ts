/** A call as the API answers it by its id, and what of it is shown where. */
import type { operations } from "../api.d.ts";

export type Call = operations["getTrace"]["responses"][200]["content"]["application/json"];

/** Its counts as they are stored, those that are known: `["Cache read tokens", 300]`. */
export function countsOf(call: Call): [name: string, count: number][] {
  const counts: [string, number][] = [];
  for (const [name, value] of Object.entries(call)) {
    if (typeof value !== "number" || name === "duration_ms") continue;
    const words = name.replaceAll("_", " ");
    counts.push([words.charAt(0).toUpperCase() + words.slice(1), value]);
  }
  return counts;
}

/** The ids by which a call is found elsewhere. */
export function idsOf(call: Call): { name: string; id: string }[] {
  const ids: [string, string | null][] = [
    ["Id in the ledger", call.id],
    ["Id of the caller", call.client_id],
    ["Response id", call.response_id],
    ["Trace id", call.trace_id],
    ["Span id", call.span_id],
    ["Parent span id", call.parent_id],
  ];
  return ids.flatMap(([name, id]) => (id === null ? [] : { name, id }));
}
