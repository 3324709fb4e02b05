/** What `/v1/explain` says of two periods. */
import type { FilterQuery } from "./filters.ts";
import { ledger, type Loaded, read, type Schemas, useAnswer } from "./ledger.ts";
import type { AskedPeriods } from "./periods.ts";

export type Explanation = Schemas["Explanation"];

export function useExplanation(asked: AskedPeriods & FilterQuery, everyMs: number): Loaded<Explanation> {
  return useAnswer(
    `explain ${JSON.stringify(asked)}`,
    (signal) => read(ledger.GET("/v1/explain", { params: { query: asked }, signal })),
    everyMs,
  );
}
