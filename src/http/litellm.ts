/** `POST /v1/litellm` takes LiteLLM's generic logging callback: an array, NDJSON or one object. */
import { Hono } from "hono";
import { z } from "zod";
import { ApiError } from "../errors.ts";
import { itemsOf, parseJson, parseLines, type ParsedJson } from "../ingest/decode/json.ts";
import { decodeLitellm } from "../ingest/decode/litellm.ts";
import { ingest, Ingested } from "../ingest/ingest.ts";
import { answerBatch, contentType, countItems, COUNTS_ONCE, lines, MAX_ITEMS, NDJSON, QUEUED } from "./batch.ts";
import { readText } from "./body.ts";
import { keepAliveOf, type AppEnv, type Deps } from "./context.ts";
import { EXAMPLE_ENTRY } from "./example.ts";
import { json, type Operation, operation } from "./operation.ts";

/** The fields of LiteLLM's `StandardLoggingPayload` that must be valid. */
const Entry = z
  .looseObject({
    id: z.string().min(1),
    startTime: z.number().describe("Seconds since 1970."),
    endTime: z.number().nullish(),
    model: z.string().nullish(),
    custom_llm_provider: z.string().nullish(),
    status: z.enum(["success", "failure", ""]).nullish(),
    prompt_tokens: z.int().min(0).nullish(),
    completion_tokens: z.int().min(0).nullish(),
  })
  .meta({
    id: "LitellmEntry",
    description: "LiteLLM's StandardLoggingPayload, see https://docs.litellm.ai/docs/proxy/logging_spec",
  });

const ingestLitellm: Operation = {
  id: "ingestLitellm",
  tag: "Ingest",
  summary: "Send calls from LiteLLM's generic logging callback",
  description: "A call that LiteLLM answered from its own cache is stored, but not billed.",
  caller: "ingest",
  again: COUNTS_ONCE,
  body: {
    content: {
      "application/json": {
        schema: z.union([Entry, z.array(Entry).max(MAX_ITEMS)]),
        examples: { one: EXAMPLE_ENTRY, several: [EXAMPLE_ENTRY] },
      },
      ...lines(Entry),
    },
  },
  answers: {
    200: { description: "How many entries were stored, and why others were rejected.", content: json(Ingested) },
    202: QUEUED,
  },
  refusals: ["all_rejected", "queue_unavailable"],
};

export function litellmRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.post("/v1/litellm", operation(deps, ingestLitellm), async (c) => {
    const type = contentType(c);
    if (type !== "application/json" && !NDJSON.has(type)) {
      throw new ApiError("unsupported_media_type", "the content type must be application/json or application/x-ndjson");
    }
    const body = await readText(c, deps.intake);
    const entries = NDJSON.has(type) ? parseLines(body, MAX_ITEMS) : entriesOf(body);
    const decoded = decodeLitellm(entries, deps.now());
    c.get("work").become(decoded.calls.length);
    const result = await ingest(deps, c.get("caller").projectId, decoded, keepAliveOf(c));
    countItems(deps, "litellm", result);
    return answerBatch(c, result);
  });
  return app;
}

/** LiteLLM may send NDJSON as `application/json`: a body that is not JSON as a whole may be JSON in each line. */
function entriesOf(body: string): unknown[] {
  let parsed: ParsedJson;
  try {
    parsed = parseJson(body);
  } catch (error) {
    if (body.trimStart().startsWith("[")) throw error;
    const entries = parseLines(body, MAX_ITEMS);
    if (entries.length > 1 && entries.some((entry) => typeof entry === "object" && entry !== null)) return entries;
    throw error;
  }
  return itemsOf(parsed, MAX_ITEMS);
}
