/** What `/v1/explain` says of two periods. */
import type { FilterQuery } from "./filters.ts";
import { ledger, type Loaded, read, type Schemas, useAnswer } from "./ledger.ts";
import { addressOf } from "./route.ts";
import { iso, type Periods } from "./zone.ts";

export type Explanation = Schemas["Explanation"];

/** As the API, and the address of `/why`, have two periods. */
export interface AskedPeriods {
  from: string;
  to: string;
  tz: string;
  /** Without both, the API takes the period before. */
  compare_from?: string;
  compare_to?: string;
}

export function askedPeriods({ from, to, compareFrom, compareTo }: Periods, zone: string): Required<AskedPeriods> {
  return { from: iso(from), to: iso(to), tz: zone, compare_from: iso(compareFrom), compare_to: iso(compareTo) };
}

export function useExplanation(asked: AskedPeriods & FilterQuery, everyMs: number): Loaded<Explanation> {
  return useAnswer(
    `explain ${JSON.stringify(asked)}`,
    (signal) => read(ledger.GET("/v1/explain", { params: { query: asked }, signal })),
    everyMs,
  );
}

/** The address of why two periods differ. */
export function whyOf(asked: AskedPeriods, more: Readonly<Record<string, string>> = {}): string {
  return addressOf("why", { ...asked, ...more });
}
