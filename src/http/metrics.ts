/** `GET /metrics`: what monitoring reads. It asks Redis, never the database. */
import { Hono } from "hono";
import { z } from "zod";
import { readCheck } from "../catalogue/check.ts";
import { createExposition, type Exposition, showCounters, single } from "../monitoring/exposition.ts";
import { showCalls, showState } from "../monitoring/show-snapshot.ts";
import { readKept, type Snapshot } from "../telemetry/snapshot.ts";
import type { AppEnv, Deps } from "./context.ts";
import { type Operation, operation } from "./operation.ts";

const getMetrics: Operation = {
  id: "getMetrics",
  tag: "Operations",
  summary: "Read metrics in Prometheus' text form, or as OpenMetrics",
  description:
    "The numbers cover all isolates. Isolates add what they counted to Redis every ten seconds, and cron leaves there what it saw of the database. So a scrape never wakes a sleeping database; `llm_cost_snapshot_age_seconds` says how old that is. If Redis is down, `llm_cost_redis_up` is 0 and the other numbers are left out. A project's key reads what the project's calls cost, and nothing else; the database is asked for the key as on all other routes.",
  caller: "metrics token, admin key or scope admin",
  headers: { Accept: "With `application/openmetrics-text` the answer is OpenMetrics." },
  answers: {
    200: {
      description: "The metrics.",
      content: { "text/plain": { schema: z.string() }, "application/openmetrics-text": { schema: z.string() } },
    },
  },
};

export function metricsRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get("/metrics", operation(deps, getMetrics), async (c) => {
    const exposition = createExposition(c.req.header("accept"));
    // Without a caller it is an operator's token.
    const projectId = c.get("caller")?.projectId ?? null;
    await show(exposition, deps, projectId);
    const { body, contentType } = await exposition.text();
    return c.text(body, 200, { "Content-Type": contentType, "Cache-Control": "no-store" });
  });
  return app;
}

async function show(exposition: Exposition, deps: Deps, projectId: string | null): Promise<void> {
  const nowMs = deps.now();
  const isOperator = projectId === null;
  if (isOperator) await deps.counters.send();
  const [kept, counted, due] = await Promise.all([
    readKept(deps.redis),
    isOperator ? deps.counters.read() : null,
    isOperator ? deps.mergeSignal.isUp() : null,
  ]);
  exposition.gauge(
    "llm_cost_redis_up",
    "1 if Redis answers. If not, most numbers are left out.",
    single(kept.down ? 0 : 1),
  );
  const snapshot = kept.down ? null : kept.value.snapshot;
  exposition.gauge(
    "llm_cost_snapshot_age_seconds",
    "Time since cron last looked at the database. It does not look while nothing is due.",
    single(snapshot && (nowMs - snapshot.atMs) / 1_000),
  );
  if (snapshot !== null) showCalls(exposition, snapshot, nowMs, projectId);
  if (!isOperator) return;
  if (!kept.down) showState(exposition, kept.value, nowMs, due === true);
  if (counted !== null && !counted.down) showCounters(exposition, counted.value);
  await showCatalogue(exposition, deps, snapshot?.catalogue);
  await showBacklog(exposition, deps);
}

/** @param seen by cron. This isolate's own may be an older one, because a scrape asks no database. */
async function showCatalogue(
  exposition: Exposition,
  { catalogue, redis, now }: Deps,
  seen: Snapshot["catalogue"] | undefined,
): Promise<void> {
  const nowMs = now();
  const { version, storedMs } = seen ?? { version: catalogue.version(), storedMs: catalogue.storedMs() };
  const reply = await readCheck(redis);
  const check = reply.down ? null : reply.value;
  const age = (sinceMs: number | null | undefined): number | null =>
    typeof sinceMs === "number" ? (nowMs - sinceMs) / 1_000 : null;
  const gauge = (name: string, help: string, value: number | null, labels = {}): void =>
    exposition.gauge(`llm_cost_catalogue_${name}`, help, single(value, labels));
  gauge("info", "The price catalogue that new calls are priced by.", 1, { version });
  gauge("age_seconds", "Time since that catalogue was stored; not of the embedded one.", age(storedMs));
  gauge("good_check_age_seconds", "Time since its URL last had a good document.", age(check?.goodMs));
  const refused = check?.refused ?? null;
  gauge(
    "refused_info",
    "Why the last document of its URL was refused; not if it was good.",
    refused === null ? null : 1,
    {
      reason: refused ?? "",
    },
  );
}

async function showBacklog(exposition: Exposition, { queue, now }: Deps): Promise<void> {
  const waiting = queue === null ? null : await queue.backlog();
  if (waiting === null) return;
  const gauge = (name: string, help: string, value: number): void =>
    exposition.gauge(`llm_cost_queue_${name}`, help, single(value));
  gauge("backlog_messages", "Messages waiting in the queue.", waiting.messages);
  gauge("backlog_bytes", "Bytes waiting in the queue.", waiting.bytes);
  const ageMs = waiting.oldestMs === null ? 0 : now() - waiting.oldestMs;
  gauge("oldest_message_seconds", "Age of the oldest waiting message.", ageMs / 1_000);
}
