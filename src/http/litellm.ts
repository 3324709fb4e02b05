/** `POST /v1/litellm`: LiteLLM's generic logging callback, an array, NDJSON or one object. */
import { Hono } from "hono";
import { ApiError } from "../errors.ts";
import { MAX_DEPTH, nestsDeeper, parseJson } from "../ingest/decode/json.ts";
import { decodeLitellm } from "../ingest/decode/litellm.ts";
import { MalformedBody, TooManyItems } from "../ingest/decode/otlp-errors.ts";
import { ingest } from "../ingest/ingest.ts";
import { requireScope } from "./auth.ts";
import { answerBatch, contentType, MAX_ITEMS, NDJSON } from "./batch.ts";
import { decodeText, readBody } from "./body.ts";
import { keepAliveOf, type AppEnv, type Deps } from "./context.ts";

export function litellmRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.post("/v1/litellm", requireScope(deps, "ingest"), async (c) => {
    const type = contentType(c);
    if (type !== "application/json" && !NDJSON.has(type)) {
      throw new ApiError("unsupported_media_type", "the content type must be application/json or application/x-ndjson");
    }
    const body = decodeText(await readBody(c.req.raw));
    const entries = NDJSON.has(type) ? lines(body).map(parseLine) : entriesOf(body);
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
    const entries = lines(body).map(parseLine);
    if (entries.length > 1 && entries.some((entry) => entry !== null)) return entries;
    throw error;
  }
  if (nestsDeeper(value, MAX_DEPTH)) throw new MalformedBody(`the body nests deeper than ${MAX_DEPTH}`);
  if (Array.isArray(value)) return value;
  if (typeof value === "object" && value !== null) return [value];
  throw new MalformedBody("the body is neither an object nor an array");
}

function lines(body: string): string[] {
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
