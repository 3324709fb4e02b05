/** Shared by the OTLP/HTTP routes: schemas of requests and answers, and both in the form that exporters expect. */
import type { MiddlewareHandler } from "hono";
import { z } from "zod";
import { encodeExportResponse } from "../ingest/decode/otlp/response.ts";
import type { Ingested, Queued } from "../ingest/ingest.ts";
import { contentType } from "./batch.ts";
import type { AppContext, AppEnv } from "./context.ts";
import type { Content } from "./operation.ts";

/** Exporters expect errors as `google.rpc.Status`. */
export const RpcStatus = z
  .object({ code: z.int().describe("A gRPC status code."), message: z.string() })
  .meta({ id: "RpcStatus", description: "google.rpc.Status, the error form for OTLP requests." });

/** The body: an `Export…ServiceRequest`, which OpenTelemetry's specification describes. */
export function otlpRequest(list: "resourceSpans" | "resourceLogs" | "resourceMetrics"): {
  protobuf: Content;
  json: z.ZodType;
} {
  return {
    protobuf: { "application/x-protobuf": { schema: z.file() } },
    json: z
      .looseObject({ [list]: z.array(z.looseObject({})) })
      .meta({ description: "OTLP in JSON, see https://opentelemetry.io/docs/specs/otlp/" }),
  };
}

/** The answer, also if some items are rejected. */
export function otlpResponse(rejected: "rejectedSpans" | "rejectedLogRecords" | "rejectedDataPoints"): z.ZodType {
  const partial = z.object({ [rejected]: z.string().regex(/^\d+$/), errorMessage: z.string() });
  return z
    .object({ partialSuccess: partial.optional() })
    .meta({ description: "An export response. Rejected items can never be accepted; all others are stored." });
}

/** @param jsonToo false if the route also takes JSON of another form. */
export function inOtlpForm(jsonToo: boolean): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    // This comes before anything can fail, because an exporter expects errors in its own form.
    const type = contentType(c);
    if (type === "application/x-protobuf") c.set("otlp", "protobuf");
    else if (type === "application/json" && jsonToo) c.set("otlp", "json");
    await next();
  };
}

const ITEM = { traces: "span", logs: "log record", metrics: "data point" } as const;

/** Clients never resend items that a partial success rejects, so only items that can never be accepted are rejected. */
export function answerOtlp(c: AppContext, result: Ingested | Queued, signal: keyof typeof ITEM): Response {
  const otlp = c.get("otlp");
  c.get("noted").counts = result;
  const rejections = result.errors.filter(({ code }) => code !== "conflict");
  const message = rejections
    .slice(0, 3)
    .map(({ index, message }) => `${ITEM[signal]} ${index}: ${message}`)
    .join("; ");
  const body = encodeExportResponse(otlp, result.rejected, message, signal) as Uint8Array<ArrayBuffer> | string;
  return c.body(body, 200, { "Content-Type": otlp === "protobuf" ? "application/x-protobuf" : "application/json" });
}
