/** `POST /v1/metrics` takes OTLP metrics. Agents' own counters are kept for the cross-check, and never billed. */
import { Hono } from "hono";
import { z } from "zod";
import { storePoints } from "../coverage/store.ts";
import { ApiError } from "../errors.ts";
import { parseJson } from "../ingest/decode/json.ts";
import { type DecodedMetrics, decodeMetricsJson, decodeMetricsProtobuf } from "../ingest/decode/otlp/metrics.ts";
import { DAY_MS } from "../time.ts";
import { MAX_ITEMS } from "./batch.ts";
import { readBody, readText } from "./body.ts";
import { type AppContext, type AppEnv, type Deps, ownDeps } from "./context.ts";
import { type Operation, operation } from "./operation.ts";
import { answerOtlp, inOtlpForm, otlpRequest, otlpResponse } from "./otlp.ts";

const otlp = otlpRequest("resourceMetrics");

const ingestMetrics: Operation = {
  id: "ingestMetrics",
  tag: "Ingest",
  summary: "Send OTLP metrics with agents' own counters",
  description:
    "Counters in which programs say themselves what they used are kept for `GET /v1/coverage`. They never count as calls. All other metrics are accepted and ignored.",
  caller: "ingest",
  again: "After 408, 429, 500, 503 or no answer, send the same body again: no point is added twice.",
  body: {
    content: {
      "application/json": { schema: otlp.json, examples: { empty: { resourceMetrics: [] } } },
      ...otlp.protobuf,
    },
  },
  answers: {
    200: {
      description: "How many data points were rejected, and why.",
      content: {
        "application/json": { schema: otlpResponse("rejectedDataPoints"), examples: { stored: {} } },
        "application/x-protobuf": { schema: z.file() },
      },
    },
  },
  otlp: true,
};

const ROUTES: Readonly<Record<string, Operation>> = {
  "/v1/metrics": ingestMetrics,
  // Exporters that are given Langfuse's base path send all signals below it.
  "/api/public/otel/v1/metrics": {
    ...ingestMetrics,
    id: "ingestLangfuseMetrics",
    summary: "Send OTLP metrics below Langfuse's path",
    description: "The same as `POST /v1/metrics`.",
    basic: true,
  },
};

export function otlpMetricsRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  for (const [path, description] of Object.entries(ROUTES)) {
    app.post(path, inOtlpForm(true), operation(deps, description), async (c) => {
      return await takeMetrics(c, deps, await decodeBody(c, deps));
    });
  }
  return app;
}

/** Stores the points and answers. */
export async function takeMetrics(c: AppContext, deps: Deps, decoded: DecodedMetrics): Promise<Response> {
  const { projectId } = c.get("caller");
  const points = keptOf(decoded.points, deps);
  c.get("work").become(points.length);
  await storePoints(ownDeps(deps, projectId).db, projectId, points);
  const rejected = decoded.errors.length;
  deps.counters.count("llm_cost_ingest_points_total", ["stored"], points.length);
  deps.counters.count("llm_cost_ingest_points_total", ["rejected"], rejected);
  return answerOtlp(c, { accepted: decoded.items - rejected, rejected, errors: decoded.errors }, "metrics");
}

async function decodeBody(c: AppContext, { intake, now }: Deps): Promise<DecodedMetrics> {
  const nowMs = now();
  const otlp = c.get("otlp");
  if (otlp === "protobuf") return await readBody(c, intake, (body) => decodeMetricsProtobuf(body, nowMs, MAX_ITEMS));
  if (otlp === "json") return decodeMetricsJson(parseJson(await readText(c, intake)).value, nowMs, MAX_ITEMS);
  throw new ApiError("unsupported_media_type", "the content type must be application/json or application/x-protobuf");
}

/** The calls to compare older ones with are gone. They are accepted, because to reject them would help nobody. */
function keptOf(points: DecodedMetrics["points"], { config, now }: Deps): DecodedMetrics["points"] {
  const keptFromNs = BigInt(now() - (config.rawRetentionDays ?? 100_000) * DAY_MS) * 1_000_000n;
  return points.filter(({ timeNs }) => timeNs >= keptFromNs);
}
