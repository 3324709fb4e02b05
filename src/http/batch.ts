/** Shared by the routes that take calls: the maximum of items, the content types, and the answer that counts items. */
import { z } from "zod";
import { ApiError } from "../errors.ts";
import { type Ingested, Queued } from "../ingest/ingest.ts";
import type { AppContext, Deps } from "./context.ts";
import { type Answer, type Content, json } from "./operation.ts";

/** Maximum number of items (native calls, spans, log records) in one request. */
export const MAX_ITEMS = 5_000;

export const NDJSON: ReadonlySet<string> = new Set(["application/x-ndjson", "application/ndjson", "application/jsonl"]);

export const COUNTS_ONCE = "After 408, 429, 500, 503 or no answer, send the same body again: no call is counted twice.";

/** Describes a body of NDJSON lines. */
export function lines(line: z.ZodType): Content {
  return { "application/x-ndjson": { schema: z.string().describe("One JSON value per line."), line } };
}

/** The media type without its parameters. */
export function contentType(c: AppContext): string {
  return (c.req.header("content-type") ?? "").split(";", 1)[0]!.trim().toLowerCase();
}

/** Counts what became of the items of a body, for monitoring. */
export function countItems(
  { counters }: Deps,
  form: "native" | "otlp" | "litellm" | "logs",
  result: Ingested | Queued,
) {
  const { rejected, accepted } = result;
  const outcomes =
    "inserted" in result
      ? { inserted: result.inserted, duplicate: result.duplicates, rejected }
      : { queued: accepted, rejected };
  for (const [outcome, count] of Object.entries(outcomes))
    counters.count("llm_cost_ingest_calls_total", [form, outcome], count);
}

/** @throws ApiError `all_rejected` if every item was rejected. */
export function answerBatch(c: AppContext, result: Ingested | Queued): Response {
  c.get("noted").counts = result;
  if (result.rejected > 0 && result.accepted === 0) {
    throw new ApiError("all_rejected", "no item of the body could be accepted", {
      inserted: 0,
      duplicates: 0,
      ...result,
    });
  }
  return c.json(result, "inserted" in result ? 200 : 202);
}

/** The answer in queue mode. */
export const QUEUED: Answer = {
  description: "In queue mode: the queue has the accepted calls, which will be stored and counted soon.",
  content: json(Queued, { accepted: 1, rejected: 0, errors: [] }),
};
