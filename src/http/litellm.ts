/** `POST /v1/litellm`: LiteLLM's generic logging callback, an array, NDJSON or one object. */
import { Hono } from "hono";
import { z } from "zod";
import { ApiError } from "../errors.ts";
import { MAX_DEPTH, nestsDeeper, parseJson } from "../ingest/decode/json.ts";
import { decodeLitellm } from "../ingest/decode/litellm.ts";
import { MalformedBody, TooManyItems } from "../ingest/decode/otlp-errors.ts";
import { ingest, Ingested } from "../ingest/ingest.ts";
import { answerBatch, contentType, lines, MAX_ITEMS, NDJSON, QUEUED } from "./batch.ts";
import { decodeText, readBody } from "./body.ts";
import { keepAliveOf, type AppEnv, type Deps } from "./context.ts";
import { EXAMPLE_ENTRY } from "./example.ts";
import { json, type Operation, operation } from "./operation.ts";

/** What is read of LiteLLM's `StandardLoggingPayload`. */
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
  summary: "LiteLLM's generic logging callback",
  description: "An answer from LiteLLM's own cache is kept, but not billed.",
  caller: "ingest",
  body: {
    content: {
      "application/json": {
        schema: z.union([Entry, z.array(Entry).max(MAX_ITEMS)]),
        examples: { one: EXAMPLE_ENTRY, several: [EXAMPLE_ENTRY] },
      },
      ...lines(Entry),
    },
  },
  answers: { 200: { description: "What became of the entries.", content: json(Ingested) }, 202: QUEUED },
  refusals: ["all_rejected", "queue_unavailable"],
};

export function litellmRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.post("/v1/litellm", operation(deps, ingestLitellm), async (c) => {
    const type = contentType(c);
    if (type !== "application/json" && !NDJSON.has(type)) {
      throw new ApiError("unsupported_media_type", "the content type must be application/json or application/x-ndjson");
    }
    const body = decodeText(await readBody(c.req.raw));
    const entries = NDJSON.has(type) ? linesOf(body).map(parseLine) : entriesOf(body);
    if (entries.length > MAX_ITEMS) throw new TooManyItems(MAX_ITEMS);
    const decoded = decodeLitellm(entries, deps.now());
    return answerBatch(c, await ingest(deps, c.get("caller").projectId, decoded, keepAliveOf(c)));
  });
  return app;
}

/** LiteLLM sends its NDJSON as `application/json` too: what is no JSON as a whole may be so line by line. */
function entriesOf(body: string): unknown[] {
  let value: unknown;
  try {
    value = parseJson(body);
  } catch (error) {
    if (body.trimStart().startsWith("[")) throw error;
    const entries = linesOf(body).map(parseLine);
    if (entries.length > 1 && entries.some((entry) => entry !== null)) return entries;
    throw error;
  }
  if (nestsDeeper(value, MAX_DEPTH)) throw new MalformedBody(`the body nests deeper than ${MAX_DEPTH}`);
  if (Array.isArray(value)) return value;
  if (typeof value === "object" && value !== null) return [value];
  throw new MalformedBody("the body is neither an object nor an array");
}

function linesOf(body: string): string[] {
  const found = body.split("\n").filter((line) => line.trim() !== "");
  if (found.length > MAX_ITEMS) throw new TooManyItems(MAX_ITEMS);
  return found;
}

/** Null stands for a line that is no entry, and becomes an item error. */
function parseLine(line: string): unknown {
  try {
    const value = JSON.parse(line) as unknown;
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject && !nestsDeeper(value, MAX_DEPTH) ? value : null;
  } catch {
    return null;
  }
}
