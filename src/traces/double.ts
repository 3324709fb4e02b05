/** A pair of calls that may be one: its id, and its form on the wire. */
import { z } from "zod";
import type { Row } from "../db/client.ts";
import { picoToUsd } from "../money.ts";
import { count, id, time, usd } from "../wire.ts";
import { parseTraceId } from "./query.ts";

/** Suspects begin within this time of each other. */
export const WITHIN_MS = 10_000;

export const VERDICTS = ["same", "different"] as const;
export type Verdict = (typeof VERDICTS)[number];

const UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
export const DOUBLE_ID = new RegExp(`^${UUID}\\.${UUID}$`);

const Suspect = z
  .object({
    id,
    timestamp: time,
    rule: z.string().describe("By which rule the report was read. It names the emitter's kind of report."),
    application: z.string(),
    model: z.string(),
    input_tokens: count.nullable(),
    output_tokens: count.nullable(),
    session_id: z.string().nullable(),
    trace_id: z.string().nullable(),
    user_id: z.string().nullable(),
    cost_usd: usd.nullable(),
    counts: z.boolean().describe("True if the call is in the sums."),
  })
  .meta({ id: "DoubleCall" });

export const Double = z
  .object({
    id: z.string().regex(DOUBLE_ID).describe("The ids of the two calls, the lower one first, with a dot between."),
    calls: z.array(Suspect).length(2).describe("The two calls, the one that began first before the other."),
    reason: z
      .enum(["same_session", "same_trace", "same_user", "named"])
      .describe(
        "What the two share besides model, tokens and time. `named`: nothing, but somebody said what the two are.",
      ),
    cost_usd: usd
      .nullable()
      .describe("What counts twice if they are the same: the lower cost of the two. Null if one has no cost."),
    verdict: z.enum(VERDICTS).nullable().describe("What somebody said of the pair. Null if nobody has."),
    decided_at: time.nullable(),
  })
  .meta({ id: "Double" });
export type Double = z.infer<typeof Double>;
type Suspect = z.infer<typeof Suspect>;

/** The id of a pair, whichever call is named first. */
export function doubleId(one: string, other: string): string {
  return [one, other].toSorted().join(".");
}

/** The two calls of a pair, the lower id first. Null if the text is no id of a pair. */
export function parseDoubleId(text: string): [string, string] | null {
  const [one = null, other = null, ...more] = text.split(".").map(parseTraceId);
  if (one === null || other === null || one === other || more.length > 0) return null;
  return one < other ? [one, other] : [other, one];
}

/** Of a row that has the columns of both calls, `first_…` and `second_…`. */
export function shownDouble(row: Row): Double {
  const calls = [callOf(row, "first"), callOf(row, "second")] as const;
  const costs = [row["first_cost"], row["second_cost"]];
  return {
    id: doubleId(calls[0].id, calls[1].id),
    calls: [...calls],
    reason: reasonOf(...calls),
    cost_usd: costs.includes(null)
      ? null
      : picoToUsd(costs.map((cost) => BigInt(String(cost))).reduce((a, b) => (a < b ? a : b))),
    verdict: row["verdict"] as Verdict | null,
    decided_at: row["decided_at"] === null ? null : (row["decided_at"] as Date).toISOString(),
  };
}

function callOf(row: Row, which: "first" | "second"): Suspect {
  const cost = row[`${which}_cost`];
  return {
    id: String(row[which]),
    timestamp: (row[`${which}_at`] as Date).toISOString(),
    rule: String(row[`${which}_rule`]),
    application: String(row[`${which}_application`]),
    model: String(row[`${which}_model`]),
    input_tokens: row[`${which}_input`] as number | null,
    output_tokens: row[`${which}_output`] as number | null,
    session_id: row[`${which}_session`] as string | null,
    trace_id: row[`${which}_trace`] as string | null,
    user_id: row[`${which}_user`] as string | null,
    cost_usd: cost === null ? null : picoToUsd(BigInt(String(cost))),
    counts: row[`${which}_counts`] === true,
  };
}

const ALIKE = ["model", "input_tokens", "output_tokens"] as const;
const OWNERS = { session_id: "same_session", trace_id: "same_trace", user_id: "same_user" } as const;

function reasonOf(one: Suspect, other: Suspect): Double["reason"] {
  const isNear = Math.abs(Date.parse(one.timestamp) - Date.parse(other.timestamp)) <= WITHIN_MS;
  if (!isNear || ALIKE.some((name) => one[name] !== other[name])) return "named";
  const owner = (["session_id", "trace_id", "user_id"] as const).find(
    (name) => one[name] !== null && one[name] === other[name],
  );
  return owner === undefined ? "named" : OWNERS[owner];
}
