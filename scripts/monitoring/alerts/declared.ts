/** An alert as this folder declares it, and what their queries share. */
import { requestRate } from "../expressions.ts";
import type { Severity } from "../rule.ts";
import { IN_RULES, INGEST } from "../selectors.ts";
import type { Bounds } from "../thresholds.ts";

export interface Declared {
  alert: string;
  /** Of one bound or state; `bound` is its number. */
  expr: string | ((bound: number) => string);
  /** Critical alone if there are none. */
  bounds?: Bounds;
  severity?: Severity;
  for?: string;
  summary: string;
  description: string;
}

export const worker = IN_RULES.worker;
export const over = (expr: string) => (bound: number) => `${expr} > ${bound}`;
/** The gauges of a database come from a snapshot that is the same whoever scrapes it. */
export const gauge = (name: string, by = ""): string => `max by (job${by}) (${name}{${worker}})`;
export const increase = (name: string, range: string, by = ""): string =>
  `sum by (job${by}) (increase(${name}{${worker}}[${range}]))`;
/** If nobody calls, no snapshot is taken: the database sleeps. */
export const callsComeIn = `and on (job) ${requestRate(IN_RULES, INGEST)} > 0`;
