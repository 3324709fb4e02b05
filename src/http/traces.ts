/** `POST /v1/traces`: OTLP or native, told apart by content type and shape. */
import { Hono } from "hono";
import { ApiError } from "../errors.ts";
import { MalformedBody, TooManyItems } from "../ingest/decode/otlp-errors.ts";
import { MAX_DEPTH, nestsDeeper, parseJson } from "../ingest/decode/json.ts";
import { decodeNative, decodeNdjson } from "../ingest/decode/native.ts";
import { decodeOtlpJson, decodeOtlpProtobuf } from "../ingest/decode/otlp.ts";
import { ingest } from "../ingest/ingest.ts";
import type { Decoded } from "../ingest/trace.ts";
import { requireScope } from "./auth.ts";
import { answerBatch, contentType, MAX_ITEMS, NDJSON } from "./batch.ts";
import { decodeText, readBody } from "./body.ts";
import { keepAliveOf, type AppContext, type AppEnv, type Deps } from "./context.ts";
import { answerOtlp, inOtlpForm } from "./otlp.ts";

export function tracesRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const otlpOnly = new Set(["/api/public/otel/v1/traces"]);

  for (const path of ["/v1/traces", ...otlpOnly]) {
    app.post(path, inOtlpForm(otlpOnly.has(path)), requireScope(deps, "ingest"), async (c) => {
      const decoded = await decodeBody(c, deps.now());
      const result = await ingest(deps, c.get("caller").projectId, decoded, keepAliveOf(c));
      return c.get("otlp") ? answerOtlp(c, result, "traces") : answerBatch(c, result);
    });
  }
  return app;
}

async function decodeBody(c: AppContext, nowMs: number): Promise<Decoded> {
  const type = contentType(c);
  if (type === "application/x-protobuf") return decodeOtlpProtobuf(await readBody(c.req.raw), nowMs, MAX_ITEMS);
  if (NDJSON.has(type)) return decodeNdjson(decodeText(await readBody(c.req.raw)), nowMs, MAX_ITEMS);
  if (type !== "application/json") {
    throw new ApiError(
      "unsupported_media_type",
      "the content type must be application/json, application/x-ndjson or application/x-protobuf",
    );
  }
  const body = parseJson(decodeText(await readBody(c.req.raw)));
  if (isOtlp(body) || c.get("otlp")) {
    c.set("otlp", "json");
    return decodeOtlpJson(body, nowMs, MAX_ITEMS);
  }
  if (nestsDeeper(body, MAX_DEPTH)) throw new MalformedBody(`the body nests deeper than ${MAX_DEPTH}`);
  const items = nativeItems(body);
  if (items.length > MAX_ITEMS) throw new TooManyItems(MAX_ITEMS);
  return decodeNative(items, nowMs);
}

function isOtlp(body: unknown): boolean {
  return typeof body === "object" && body !== null && !Array.isArray(body) && Object.hasOwn(body, "resourceSpans");
}

/** An array, `{"traces": […]}`, or one object. */
function nativeItems(body: unknown): unknown[] {
  if (Array.isArray(body)) return body;
  if (typeof body !== "object" || body === null) throw new MalformedBody("the body is neither an object nor an array");
  if (!Object.hasOwn(body, "traces")) return [body];
  const { traces } = body as { traces: unknown };
  if (!Array.isArray(traces)) throw new MalformedBody("traces must be an array");
  return traces;
}
