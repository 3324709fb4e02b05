/** `POST /v1/traces` takes calls in OTLP or in the native form; content type and shape tell which. */
import { Hono } from "hono";
import { z } from "zod";
import { ApiError } from "../errors.ts";
import { itemsOf, parseJson, parseLines } from "../ingest/decode/json.ts";
import { decodeNative } from "../ingest/decode/native.ts";
import { decodeLogsJson } from "../ingest/decode/otlp/logs.ts";
import { type DecodedMetrics, decodeMetricsJson } from "../ingest/decode/otlp/metrics.ts";
import { decodeOtlpJson, decodeOtlpProtobuf } from "../ingest/decode/otlp/traces.ts";
import { NativeTrace } from "../ingest/decode/native-schema.ts";
import { ingest, Ingested } from "../ingest/ingest.ts";
import { personsOf } from "../ingest/decode/span/context-attributes.ts";
import type { Decoded } from "../ingest/decode/decoded.ts";
import { answerBatch, contentType, countItems, COUNTS_ONCE, lines, MAX_ITEMS, NDJSON, QUEUED } from "./batch.ts";
import { readBody, readText } from "./body.ts";
import { keepAliveOf, type AppContext, type AppEnv, type Deps } from "./context.ts";
import { EXAMPLE_CALL, EXAMPLE_OTLP } from "./example.ts";
import { type Operation, operation } from "./operation.ts";
import { answerOtlp, inOtlpForm, otlpRequest, otlpResponse } from "./otlp.ts";
import { takeMetrics } from "./otlp-metrics.ts";

const otlp = otlpRequest("resourceSpans");
// Metrics may come to this address, too.
const otlpAnswers = z.union([otlpResponse("rejectedSpans"), otlpResponse("rejectedDataPoints")]);

const nativeBody = z.union([
  NativeTrace,
  z.array(NativeTrace).max(MAX_ITEMS),
  z.looseObject({ traces: z.array(NativeTrace).max(MAX_ITEMS) }),
  otlp.json,
]);

const ingestTraces: Operation = {
  id: "ingestTraces",
  tag: "Ingest",
  summary: "Send calls, as OTLP spans or plain JSON",
  description:
    "A wrong item never blocks the others. A body has at most 8 MB after decompression (gzip) and 5,000 items. An OTLP request gets answers and errors in OTLP's own form.",
  caller: "ingest",
  again: COUNTS_ONCE,
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
      description: "How many items were stored, and why others were rejected.",
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

/** Langfuse's SDK sends to this path. */
const ingestLangfuse: Operation = {
  ...ingestTraces,
  id: "ingestLangfuseTraces",
  summary: "Send OTLP spans to Langfuse's path",
  description: "The same as `POST /v1/traces`, but for OTLP only.",
  basic: true,
  body: { content: { "application/json": { schema: otlp.json, examples: { OTLP: EXAMPLE_OTLP } }, ...otlp.protobuf } },
  answers: {
    200: {
      description: "How many spans were rejected, and why.",
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
      const decoded = await decodeBody(c, deps, otlpOnly);
      if ("points" in decoded) return await takeMetrics(c, deps, decoded);
      c.get("work").become(decoded.calls.length);
      const result = await ingest(deps, c.get("caller").projectId, decoded, keepAliveOf(c));
      countItems(deps, c.get("otlp") ? "otlp" : "native", result);
      return c.get("otlp") ? answerOtlp(c, result, "traces") : answerBatch(c, result);
    });
  }
  return app;
}

async function decodeBody(
  c: AppContext,
  { intake, now, config }: Deps,
  otlpOnly: boolean,
): Promise<Decoded | DecodedMetrics> {
  const nowMs = now();
  const persons = personsOf(config.agentUser);
  const type = contentType(c);
  if (type === "application/x-protobuf")
    return await readBody(c, intake, (body) => decodeOtlpProtobuf(body, nowMs, MAX_ITEMS, persons));
  if (NDJSON.has(type) && !otlpOnly) return decodeNative(parseLines(await readText(c, intake), MAX_ITEMS), nowMs);
  if (type !== "application/json") {
    const types = otlpOnly ? "application/json" : "application/json, application/x-ndjson";
    throw new ApiError("unsupported_media_type", `the content type must be ${types} or application/x-protobuf`);
  }
  const body = parseJson(await readText(c, intake));
  // Some agents send all signals to the one address that they are given.
  if (has(body.value, "resourceLogs")) {
    c.set("otlp", "json");
    return decodeLogsJson(body.value, nowMs, MAX_ITEMS, persons);
  }
  if (has(body.value, "resourceMetrics")) {
    c.set("otlp", "json");
    return decodeMetricsJson(body.value, nowMs, MAX_ITEMS);
  }
  if (has(body.value, "resourceSpans") || c.get("otlp")) {
    c.set("otlp", "json");
    return decodeOtlpJson(body.value, nowMs, MAX_ITEMS, persons);
  }
  return decodeNative(itemsOf(body, MAX_ITEMS, "traces"), nowMs);
}

function has(body: unknown, list: string): boolean {
  return typeof body === "object" && body !== null && !Array.isArray(body) && Object.hasOwn(body, list);
}
