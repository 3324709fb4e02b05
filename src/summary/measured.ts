/**
 * The parts of a summary's statement that follow from its measures alone, as text. Most questions read one of a few
 * lists of measures, so the text of these is made when the module is loaded.
 */
import { type SQL, sql } from "drizzle-orm";
import { asText } from "../db/render.ts";
import { shapeOf } from "../db/shape.ts";
import { list } from "../db/sql.ts";
import { SHOWN_MEASURES, type Measure, MEASURES } from "../ledger/measures.ts";
import { own, sums } from "../rollup/sums.ts";
import { type Row, signed } from "./parts.ts";
import type { SummaryQuery } from "./query.ts";
import { isOfSavings, withSavings } from "./savings.ts";

const LATENCY = new Set(["latency_count", "latency_sum_us"]);

const PLAIN = MEASURES.filter(({ name }) => SHOWN_MEASURES.has(name));
const WITH_LATENCY = MEASURES.filter(({ name }) => SHOWN_MEASURES.has(name) || LATENCY.has(name));
const LISTS = [PLAIN, WITH_LATENCY, MEASURES];
const SAVINGS_BESIDE = new Map(LISTS.map((measures) => [measures, withSavings(measures)]));

/** The measures that a question needs. */
export function measuresFor({ include }: Pick<SummaryQuery, "include">): readonly Measure[] {
  if (include.includes("buckets")) return MEASURES;
  return include.includes("latency") ? WITH_LATENCY : PLAIN;
}

/** The same, with those from which the savings of caches are estimated if the question includes rates. */
export function measuresAndSavings(query: Pick<SummaryQuery, "include">): readonly Measure[] {
  const measures = measuresFor(query);
  return query.include.includes("rates") ? SAVINGS_BESIDE.get(measures)! : measures;
}

/** What follows from a list of measures. */
interface Made {
  /** The sums of no calls. */
  none: Readonly<Record<string, bigint>>;
  /** The measures' values in a rollup row `t`, in a call `t`, and in a call that is subtracted. */
  ofRollup: SQL;
  ofCall: SQL;
  ofCallSubtracted: SQL;
  /** Their sums over a group of rows, if most groups have many and few rows. */
  sums: SQL;
  sumsOfFew: SQL;
}

function madeFor(measures: readonly Measure[]): Made {
  const stored = measures.filter((measure) => !isOfSavings(measure));
  const values = (row: Pick<Row, "negative">, of: (measure: Measure) => SQL): SQL =>
    asText(list(stored.map((measure) => sql`${signed(row, of(measure))} as ${sql.identifier(measure.name)}`)));
  return {
    none: zeros(measures),
    ofRollup: values({ negative: false }, ({ name }) => sql`t.${sql.identifier(name)}`),
    ofCall: values({ negative: false }, ({ of }) => of),
    ofCallSubtracted: values({ negative: true }, ({ of }) => of),
    sums: asText(sums(own, measures)),
    sumsOfFew: asText(sums(own, measures, true)),
  };
}

function zeros(measures: readonly Measure[]): Record<string, bigint> {
  const sums: Record<string, bigint | null> = shapeOf(measures.map(({ name }) => name));
  for (const { name } of measures) sums[name] = 0n;
  return sums as Record<string, bigint>;
}

const MADE = new Map([...LISTS, ...SAVINGS_BESIDE.values()].map((measures) => [measures, madeFor(measures)]));

function madeOf(measures: readonly Measure[]): Made {
  return MADE.get(measures) ?? madeFor(measures);
}

/** The sums of no calls: every measure is 0. */
export function noSums(measures: readonly Measure[]): Record<string, bigint> {
  return { ...madeOf(measures).none };
}

/** The measures' values in a row. */
export function valuesIn(row: Row, measures: readonly Measure[]): SQL {
  const { ofRollup, ofCall, ofCallSubtracted } = madeOf(measures);
  return row.of === "rollup" ? ofRollup : row.negative ? ofCallSubtracted : ofCall;
}

/** @param few true if most groups have few rows. */
export function sumsOf(measures: readonly Measure[], few: boolean): SQL {
  const { sums, sumsOfFew } = madeOf(measures);
  return few ? sumsOfFew : sums;
}
