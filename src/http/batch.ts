/** What routes that take calls in share: how many, in which type, and the answer that counts them. */
import { z } from "zod";
import { ApiError } from "../errors.ts";
import { type Ingested, Queued } from "../ingest/ingest.ts";
import type { AppContext } from "./context.ts";
import { type Answer, type Content, json } from "./operation.ts";

/** Items (traces, spans, log records) of one request. */
export const MAX_ITEMS = 5_000;

export const NDJSON: ReadonlySet<string> = new Set(["application/x-ndjson", "application/ndjson", "application/jsonl"]);

/** A body of such lines, for the API's description. */
export function lines(line: z.ZodType): Content {
  return { "application/x-ndjson": { schema: z.string().describe("One item of JSON a line."), line } };
}

/** The media type without its parameters. */
export function contentType(c: AppContext): string {
  return (c.req.header("content-type") ?? "").split(";", 1)[0]!.trim().toLowerCase();
}

/** @throws ApiError when nothing was accepted although something was sent. */
export function answerBatch(c: AppContext, result: Ingested | Queued): Response {
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
  description: "In queue mode: what the queue has is stored and counted soon.",
  content: json(Queued, { accepted: 1, rejected: 0, errors: [] }),
};
