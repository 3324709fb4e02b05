/** `POST /v1/traces`: OTLP or native, told apart by content type and shape. */
import { Hono } from "hono";
import { z } from "zod";
import { ApiError } from "../errors.ts";
import { MalformedBody, TooManyItems } from "../ingest/decode/otlp-errors.ts";
import { MAX_DEPTH, nestsDeeper, parseJson } from "../ingest/decode/json.ts";
import { decodeNative, decodeNdjson } from "../ingest/decode/native.ts";
import { decodeOtlpJson, decodeOtlpProtobuf } from "../ingest/decode/otlp.ts";
import { NativeTrace } from "../ingest/decode/native-schema.ts";
import { ingest, Ingested } from "../ingest/ingest.ts";
import type { Decoded } from "../ingest/trace.ts";
import { answerBatch, contentType, lines, MAX_ITEMS, NDJSON, QUEUED } from "./batch.ts";
import { decodeText, readBody } from "./body.ts";
import { keepAliveOf, type AppContext, type AppEnv, type Deps } from "./context.ts";
import { EXAMPLE_CALL, EXAMPLE_OTLP } from "./example.ts";
import { type Operation, operation } from "./operation.ts";
import { answerOtlp, inOtlpForm, otlpRequest, otlpResponse } from "./otlp.ts";

const otlp = otlpRequest("resourceSpans");
const otlpAnswers = otlpResponse("rejectedSpans");

const nativeBody = z.union([
  NativeTrace,
  z.array(NativeTrace).max(MAX_ITEMS),
  z.looseObject({ traces: z.array(NativeTrace).max(MAX_ITEMS) }),
  otlp.json,
]);

const ingestTraces: Operation = {
  id: "ingestTraces",
  tag: "Ingest",
  summary: "Calls, as OTLP spans or plain JSON",
  description:
    "A wrong item never blocks the others. At most 8 MB after decompression (gzip), and 5,000 items. OTLP is answered in its own form, also with errors.",
  caller: "ingest",
  body: {
    content: {
      "application/json": {
        schema: nativeBody,
        examples: { one: EXAMPLE_CALL, several: { traces: [EXAMPLE_CALL] }, OTLP: EXAMPLE_OTLP },
      },
      ...lines(NativeTrace),
      ...otlp.protobuf,
    },
  },
  answers: {
    200: {
      description: "What became of the items.",
      content: {
        "application/json": {
          schema: z.union([Ingested, otlpAnswers]),
          examples: { one: { accepted: 1, inserted: 1, duplicates: 0, rejected: 0, errors: [] }, OTLP: {} },
        },
        "application/x-protobuf": { schema: z.file() },
      },
    },
    202: QUEUED,
  },
  refusals: ["all_rejected", "queue_unavailable"],
  otlp: true,
};

/** Where Langfuse's SDK sends to. */
const ingestLangfuse: Operation = {
  ...ingestTraces,
  id: "ingestLangfuseTraces",
  summary: "OTLP spans, at Langfuse's path",
  description: "As `POST /v1/traces`, for OTLP alone.",
  basic: true,
  body: { content: { "application/json": { schema: otlp.json, examples: { OTLP: EXAMPLE_OTLP } }, ...otlp.protobuf } },
  answers: {
    200: {
      description: "What became of the spans.",
      content: {
        "application/json": { schema: otlpAnswers, examples: { OTLP: {} } },
        "application/x-protobuf": { schema: z.file() },
      },
    },
  },
  refusals: ["queue_unavailable"],
};

const ROUTES = [
  { path: "/v1/traces", description: ingestTraces, otlpOnly: false },
  { path: "/api/public/otel/v1/traces", description: ingestLangfuse, otlpOnly: true },
];

export function tracesRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  for (const { path, description, otlpOnly } of ROUTES) {
    app.post(path, inOtlpForm(otlpOnly), operation(deps, description), async (c) => {
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
