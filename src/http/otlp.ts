/** What the routes of OTLP/HTTP share: errors and answers in the exporter's own form. */
import type { MiddlewareHandler } from "hono";
import { z } from "zod";
import { encodeExportResponse } from "../ingest/decode/otlp-response.ts";
import type { Ingested, Queued } from "../ingest/ingest.ts";
import { contentType } from "./batch.ts";
import type { AppContext, AppEnv } from "./context.ts";
import type { Content } from "./operation.ts";

/** `google.rpc.Status`, in which exporters expect errors. */
export const RpcStatus = z
  .object({ code: z.int().describe("Of gRPC."), message: z.string() })
  .meta({ id: "RpcStatus", description: "google.rpc.Status, where the request is OTLP." });

/** What is sent: an `Export…ServiceRequest`, which OpenTelemetry describes. */
export function otlpRequest(list: "resourceSpans" | "resourceLogs"): { protobuf: Content; json: z.ZodType } {
  return {
    protobuf: { "application/x-protobuf": { schema: z.file() } },
    json: z
      .looseObject({ [list]: z.array(z.looseObject({})) })
      .meta({ description: "OTLP in JSON, see https://opentelemetry.io/docs/specs/otlp/" }),
  };
}

/** What is answered, also when some of it is refused. */
export function otlpResponse(rejected: "rejectedSpans" | "rejectedLogRecords"): z.ZodType {
  const partial = z.object({ [rejected]: z.string().regex(/^\d+$/), errorMessage: z.string() });
  return z
    .object({ partialSuccess: partial.optional() })
    .meta({ description: "An export response: what is refused in it can never be accepted; the rest is stored." });
}

/** @param jsonToo false where JSON may also be of another form. */
export function inOtlpForm(jsonToo: boolean): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    // Before anything can fail: an exporter expects errors in its own form.
    const type = contentType(c);
    if (type === "application/x-protobuf") c.set("otlp", "protobuf");
    else if (type === "application/json" && jsonToo) c.set("otlp", "json");
    await next();
  };
}

const ITEM = { traces: "span", logs: "log record" } as const;

/** Clients never send again what a partial success rejects, so only what can never be accepted is. */
export function answerOtlp(c: AppContext, result: Ingested | Queued, signal: keyof typeof ITEM): Response {
  const otlp = c.get("otlp");
  const refused = result.errors.filter(({ code }) => code !== "conflict");
  const message = refused
    .slice(0, 3)
    .map(({ index, message }) => `${ITEM[signal]} ${index}: ${message}`)
    .join("; ");
  const body = encodeExportResponse(otlp, result.rejected, message, signal) as Uint8Array<ArrayBuffer> | string;
  return c.body(body, 200, { "Content-Type": otlp === "protobuf" ? "application/x-protobuf" : "application/json" });
}
