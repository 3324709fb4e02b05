/** The fields of a native call and how a cell becomes one. What is no field of a call never leaves this machine. */
import { COUNTS } from "../../src/ledger/counts.ts";
import { toRfc3339 } from "./timestamp.ts";

export type Kind = "text" | "time" | "count" | "number" | "money" | "object" | "list";

export const FIELDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ["id", "text"],
  ["timestamp", "time"],
  ["model", "text"],
  ["provider", "text"],
  ["application", "text"],
  ["environment", "text"],
  ["operation", "text"],
  ["user_id", "text"],
  ["session_id", "text"],
  ["status", "text"],
  ["error_type", "text"],
  ["service_tier", "text"],
  ["covered_by", "text"],
  ["request_model", "text"],
  ["base_url", "text"],
  ["response_id", "text"],
  ["request_id", "text"],
  ["other_ids", "list"],
  ["trace_id", "text"],
  ["span_id", "text"],
  ["parent_id", "text"],
  ["duration_ms", "number"],
  ["cost_usd", "money"],
  ["cost_is", "text"],
  ...Object.values(COUNTS).map(({ name }) => [name, "count"] as const),
  ["tags", "object"],
  ["usage", "object"],
]);

export const TAG_PREFIX = "tags.";

/** A row that cannot be a call; the others are not its concern. */
export class BadCell extends Error {}

/** The kind of a field or of a `tags.<key>`; undefined where there is no such field. */
export function kindOf(field: string): Kind | undefined {
  return field.startsWith(TAG_PREFIX) && field.length > TAG_PREFIX.length ? "text" : FIELDS.get(field);
}

/**
 * A cell, or a JSON value, as the field's value.
 *
 * @returns undefined for an empty cell: the field is absent, which is not 0.
 * @throws BadCell where the cell is not what the field needs; nothing is guessed.
 */
export function convert(field: string, kind: Kind, value: unknown, zoneMinutes: number): unknown {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number") return convertNumber(field, kind, value, zoneMinutes);
  if (typeof value === "string") {
    const text = value.trim();
    return text === "" ? undefined : convertText(field, kind, text, zoneMinutes);
  }
  if (kind === "object" && typeof value === "object" && !Array.isArray(value)) return value;
  if (kind === "list" && Array.isArray(value)) return value;
  if (kind === "text" && typeof value === "boolean") return String(value);
  throw bad(field, value, `is not ${EXPECTED[kind]}`);
}

const EXPECTED: Record<Kind, string> = {
  text: "text",
  time: "a time such as 2023-11-16T18:17:03.979Z, 2023-11-16 18:17:03 or epoch seconds or milliseconds",
  count: "a whole number",
  number: "a number that is not negative",
  money: "an amount of USD such as 0.00192",
  object: "a JSON object",
  list: "a JSON list",
};

function convertText(field: string, kind: Kind, text: string, zoneMinutes: number): unknown {
  switch (kind) {
    case "text":
      return text;
    case "time": {
      const time = toRfc3339(text, zoneMinutes);
      if (time !== null) return time;
      break;
    }
    case "count":
      if (/^\d{1,15}$/.test(text)) return Number(text);
      break;
    case "number":
      if (/^\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text)) return Number(text);
      break;
    case "money":
      // As text: a float would already have rounded it.
      if (/^\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text)) return text;
      break;
    case "object": {
      const object = parse(text);
      if (typeof object === "object" && object !== null && !Array.isArray(object)) return object;
      break;
    }
    case "list": {
      const list = parse(text);
      if (Array.isArray(list)) return list;
      break;
    }
  }
  throw bad(field, text, `is not ${EXPECTED[kind]}`);
}

function convertNumber(field: string, kind: Kind, value: number, zoneMinutes: number): unknown {
  if (kind === "time") return convertText(field, kind, plain(value), zoneMinutes);
  if (kind === "text") {
    // JSON.parse has already rounded it: two ids may have become one.
    if (Number.isInteger(value) && !Number.isSafeInteger(value))
      throw bad(field, value, "is a number past 2^53, which JSON readers round: write it in quotes");
    return String(value);
  }
  if (kind === "count" && !(Number.isInteger(value) && value >= 0)) throw bad(field, value, `is not ${EXPECTED[kind]}`);
  if (kind === "object" || kind === "list") throw bad(field, value, `is not ${EXPECTED[kind]}`);
  return value;
}

/** Without an exponent; milliseconds are enough of a fraction. */
function plain(value: number): string {
  return Number.isInteger(value) ? value.toFixed(0) : value.toFixed(6);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function bad(field: string, value: unknown, problem: string): BadCell {
  const shown = typeof value === "string" ? value : JSON.stringify(value);
  return new BadCell(`${field}: ${JSON.stringify(shown.slice(0, 60))} ${problem}`);
}
