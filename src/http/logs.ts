/** `POST /v1/logs` takes OTLP logs and stores the calls that coding agents report in them. */
import { Hono } from "hono";
import { z } from "zod";
import { ApiError } from "../errors.ts";
import { parseJson } from "../ingest/decode/json.ts";
import { decodeLogsJson, decodeLogsProtobuf } from "../ingest/decode/otlp/logs.ts";
import { ingest } from "../ingest/ingest.ts";
import { personsOf } from "../ingest/decode/span/context-attributes.ts";
import type { Decoded } from "../ingest/decode/decoded.ts";
import { countItems, COUNTS_ONCE, MAX_ITEMS } from "./batch.ts";
import { readBody, readText } from "./body.ts";
import { keepAliveOf, type AppContext, type AppEnv, type Deps } from "./context.ts";
import { type Operation, operation } from "./operation.ts";
import { answerOtlp, inOtlpForm, otlpRequest, otlpResponse } from "./otlp.ts";

const otlp = otlpRequest("resourceLogs");

const ingestLogs: Operation = {
  id: "ingestLogs",
  tag: "Ingest",
  summary: "Send OTLP logs with the calls of coding agents",
  description:
    "The events of calls become calls: Claude Code's `claude_code.api_request` and `.api_error`, Codex's `codex.sse_event` with counts and failed `codex.api_request`, Gemini CLI's and Qwen Code's `api_response` and `api_error`, Cline's `task.tokens`, and any program's `gen_ai.client.inference.operation.details`. A record and a span of one call count once. Other records are accepted and ignored.",
  caller: "ingest",
  again: COUNTS_ONCE,
  body: {
    content: {
      "application/json": { schema: otlp.json, examples: { empty: { resourceLogs: [] } } },
      ...otlp.protobuf,
    },
  },
  answers: {
    200: {
      description: "How many records were rejected, and why.",
      content: {
        "application/json": { schema: otlpResponse("rejectedLogRecords"), examples: { stored: {} } },
        "application/x-protobuf": { schema: z.file() },
      },
    },
  },
  refusals: ["queue_unavailable"],
  otlp: true,
};

export function logsRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.post("/v1/logs", inOtlpForm(true), operation(deps, ingestLogs), async (c) => {
    const decoded = await decodeBody(c, deps);
    c.get("work").become(decoded.calls.length);
    const result = await ingest(deps, c.get("caller").projectId, decoded, keepAliveOf(c));
    countItems(deps, "logs", result);
    return answerOtlp(c, result, "logs");
  });
  return app;
}

async function decodeBody(c: AppContext, { intake, now, config }: Deps): Promise<Decoded> {
  const nowMs = now();
  const persons = personsOf(config.agentUser);
  const otlp = c.get("otlp");
  if (otlp === "protobuf") {
    return await readBody(c, intake, (body) => decodeLogsProtobuf(body, nowMs, MAX_ITEMS, persons));
  }
  if (otlp === "json") return decodeLogsJson(parseJson(await readText(c, intake)).value, nowMs, MAX_ITEMS, persons);
  throw new ApiError("unsupported_media_type", "the content type must be application/json or application/x-protobuf");
}
