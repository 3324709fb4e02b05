/** `POST /v1/logs`: OTLP logs, of which Claude Code's calls are kept. */
import { Hono } from "hono";
import { ApiError } from "../errors.ts";
import { parseJson } from "../ingest/decode/json.ts";
import { decodeLogsJson, decodeLogsProtobuf } from "../ingest/decode/otlp-logs.ts";
import { ingest } from "../ingest/ingest.ts";
import type { Decoded } from "../ingest/trace.ts";
import { requireScope } from "./auth.ts";
import { MAX_ITEMS } from "./batch.ts";
import { decodeText, readBody } from "./body.ts";
import { keepAliveOf, type AppContext, type AppEnv, type Deps } from "./context.ts";
import { answerOtlp, inOtlpForm } from "./otlp.ts";

export function logsRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.post("/v1/logs", inOtlpForm(true), requireScope(deps, "ingest"), async (c) => {
    const decoded = await decodeBody(c, deps.now());
    const result = await ingest(deps, c.get("caller").projectId, decoded, keepAliveOf(c));
    return answerOtlp(c, result, "logs");
  });
  return app;
}

async function decodeBody(c: AppContext, nowMs: number): Promise<Decoded> {
  const otlp = c.get("otlp");
  if (otlp === "protobuf") return decodeLogsProtobuf(await readBody(c.req.raw), nowMs, MAX_ITEMS);
  if (otlp === "json") return decodeLogsJson(parseJson(decodeText(await readBody(c.req.raw))), nowMs, MAX_ITEMS);
  throw new ApiError("unsupported_media_type", "the content type must be application/json or application/x-protobuf");
}
