/**
 * The audit compares rollups with stored calls for every measure, each day and family in one snapshot. Per UTC day and
 * family it compares day rows with the calls, and hour rows with the calls as far as hours are kept. Per week it
 * compares week rows with the day rows of the week.
 */
import { DAY_MS } from "../time.ts";
import type { Database, Row } from "../db/client.ts";
import { picoToUsd } from "../money.ts";
import { readSums, type Source } from "./audit-sums.ts";
import { MAIN } from "./families.ts";
import { SINCE_FORMAT } from "../ledger/levels.ts";
import { MEASURE_NAMES } from "../ledger/measures.ts";

export interface AuditSums {
  requests: number;
  input_tokens: number;
  output_tokens: number;
  cost_usd: string;
}

export interface AuditDay {
  /** `YYYY-MM-DD`, UTC. */
  day: string;
  raw: AuditSums;
  rollup: AuditSums;
  /** Rollup minus raw. */
  difference: AuditSums;
}

export interface Mismatch {
  /** `YYYY-MM-DD`, UTC. For a week, its Monday. */
  day: string;
  level: "hour" | "day" | "week";
  /** The family of the rows. */
  label: string;
  measure: string;
  /** The sum over the calls. For a week, the sum over its day rows. */
  raw: string;
  rollup: string;
}

export interface Audit {
  ok: boolean;
  days: AuditDay[];
  /** Every sum that differs, including sums that `days` does not show. At most 100. */
  mismatches: Mismatch[];
  /** Days whose reported costs an older version left out, and that are still to be repaired. Those are not compared. */
  pending_days: string[];
}

const MAX_MISMATCHES = 100;
/** To add up this many rows takes a second or two. */
const MAX_READ = 100_000;
const SHOWN = ["requests", "input_tokens", "output_tokens", "cost_pico"] as const;

/**
 * Audits the whole UTC days that `[fromMs, toMs)` touches.
 *
 * @param maxRead about how many rows and calls one statement adds up. A family of a day is one statement at least.
 * @throws Expired if calls of the first day are no longer kept.
 */
export async function audit(
  db: Database,
  projectId: string,
  fromMs: number,
  toMs: number,
  maxRead: number = MAX_READ,
): Promise<Audit> {
  const startMs = Math.floor(fromMs / DAY_MS) * DAY_MS;
  const endMs = Math.ceil(toMs / DAY_MS) * DAY_MS;
  const days: Sums = new Map();
  const weeks: Sums = new Map();
  const pending = new Set<string>();
  for (const row of await readSums(db, projectId, startMs, endMs, maxRead)) {
    const [source, day] = [String(row["source"]) as Source, String(row["day"])];
    if (source === "pending") {
      pending.add(day);
      continue;
    }
    const read = source === "week" || source === "week's days" ? weeks : days;
    const sources = read.get(day) ?? new Map<string, Map<string, bigint>>();
    const key = keyOf(source, String(row["family"]));
    read.set(day, sources.set(key, added(sources.get(key), sumsOf(row))));
  }
  const mismatches = [
    ...mismatchesOf(days, "day", "raw"),
    ...mismatchesOf(days, "hour", "raw"),
    ...mismatchesOf(weeks, "week", "week's days"),
  ]
    .filter(({ day, label, measure }) => !(pending.has(day) && (SINCE_FORMAT.includes(measure) || isTag(label))))
    .sort((a, b) => (a.day < b.day ? -1 : a.day > b.day ? 1 : 0));
  const shownDays = [...days]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([day, sources]): AuditDay => {
      const of = (source: Source, measure: string): bigint => sources.get(keyOf(source, MAIN))?.get(measure) ?? 0n;
      const shown = (sum: (measure: string) => bigint): AuditSums => {
        const [requests, input, output, cost] = SHOWN.map(sum) as [bigint, bigint, bigint, bigint];
        return {
          requests: Number(requests),
          input_tokens: Number(input),
          output_tokens: Number(output),
          cost_usd: picoToUsd(cost),
        };
      };
      return {
        day,
        raw: shown((measure) => of("raw", measure)),
        rollup: shown((measure) => of("day", measure)),
        difference: shown((measure) => of("day", measure) - of("raw", measure)),
      };
    });
  return {
    ok: mismatches.length === 0,
    days: shownDays,
    mismatches: mismatches.slice(0, MAX_MISMATCHES),
    pending_days: [...pending].sort(),
  };
}

/** Until a day is repaired, it may have rolled up other tags. */
const isTag = (label: string): boolean => label.startsWith("tag.");

/** Each measure, by day, then by source and family. */
type Sums = Map<string, Map<string, Map<string, bigint>>>;

/** The sums of `level` that differ from those of `model`. */
function mismatchesOf(sums: Sums, level: Mismatch["level"], model: Source): Mismatch[] {
  return [...sums].flatMap(([day, sources]) => {
    const families = new Set([...sources.keys()].map((key) => key.slice(key.indexOf(SEPARATOR) + 1)));
    return [...families].flatMap((family) => {
      const [own, others] = [sources.get(keyOf(level, family)), sources.get(keyOf(model, family))];
      return MEASURE_NAMES.flatMap((measure) => {
        const [rollup, raw] = [own?.get(measure) ?? 0n, others?.get(measure) ?? 0n];
        return raw === rollup
          ? []
          : [{ day, level, label: family, measure, raw: raw.toString(), rollup: rollup.toString() }];
      });
    });
  });
}

const SEPARATOR = "/";
const keyOf = (source: Source, family: string): string => source + SEPARATOR + family;

function added(a: Map<string, bigint> | undefined, b: Map<string, bigint>): Map<string, bigint> {
  return a ? new Map(MEASURE_NAMES.map((name) => [name, a.get(name)! + b.get(name)!])) : b;
}

function sumsOf(row: Row): Map<string, bigint> {
  return new Map(MEASURE_NAMES.map((name) => [name, BigInt(String(row[name]))]));
}
