/** `GET /metrics`: counters of this isolate since its start, in Prometheus' text form. */
import { Hono } from "hono";
import { z } from "zod";
import type { Reader } from "../db/replica.ts";
import type { CallQueue } from "../queue/queue.ts";
import { readCheck } from "../catalogue/check.ts";
import { type AppContext, type AppEnv, type Deps, keepAliveOf } from "./context.ts";
import { type Operation, operation } from "./operation.ts";

const getMetrics: Operation = {
  id: "getMetrics",
  tag: "Operations",
  summary: "Read counters in Prometheus' text form",
  description:
    "The counters cover this isolate since its start. In queue mode, gauges of the queue's backlog cover all isolates. The price catalogue is that of this isolate, and the last look for a newer one that of the deployment.",
  caller: "metrics token or scope admin",
  answers: { 200: { description: "The counters.", content: { "text/plain": { schema: z.string() } } } },
};

export function metricsRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get("/metrics", operation(deps, getMetrics), async (c) => {
    const lines = [
      "# HELP llm_cost_cache_answers_total Cacheable answers by the cache's state: hit, miss, bypass, down.",
      "# TYPE llm_cost_cache_answers_total counter",
      ...Object.entries(deps.cache.counts).map(
        ([state, count]) => `llm_cost_cache_answers_total{state="${state}"} ${count}`,
      ),
      ...(deps.reader.counts === null ? [] : replicaLines(deps.reader.counts)),
      // They name what other projects sent.
      ...(c.get("caller") === undefined ? unknownMemberLines(deps) : []),
      ...(await catalogueLines(deps, c)),
      ...(deps.queue === null ? [] : await queueLines(deps.queue, deps.now())),
    ];
    return c.text(`${lines.join("\n")}\n`, 200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" });
  });
  return app;
}

function unknownMemberLines({ unknownMembers }: Deps): string[] {
  const counts = unknownMembers.counts();
  if (counts.length === 0) return [];
  const name = "llm_cost_unknown_usage_members_total";
  return [
    `# HELP ${name} Calls whose usage has a member that no rule reads, by provider and member; beyond 200 of these, other.`,
    `# TYPE ${name} counter`,
    ...counts.map(
      ({ provider, member, count }) =>
        `${name}{provider="${labelValue(provider)}",member="${labelValue(member)}"} ${count}`,
    ),
  ];
}

async function catalogueLines({ catalogue, redis, now }: Deps, c: AppContext): Promise<string[]> {
  const nowMs = now();
  const { version } = await catalogue.get(nowMs, keepAliveOf(c));
  const reply = await readCheck(redis);
  const check = reply.down ? null : reply.value;
  const age = (sinceMs: number | null | undefined) => (typeof sinceMs === "number" ? (nowMs - sinceMs) / 1_000 : null);
  const refused = check?.refused ?? null;
  return [
    ...gauge("info", "The price catalogue that new calls are priced by.", 1, `{version="${version}"}`),
    ...gauge(
      "age_seconds",
      "Time since that catalogue was stored; not of the embedded one.",
      age(catalogue.storedMs()),
    ),
    ...gauge("good_check_age_seconds", "Time since its URL last had a good document.", age(check?.goodMs)),
    ...gauge(
      "refused_info",
      "Why the last document of its URL was refused; not if it was good.",
      refused === null ? null : 1,
      `{reason="${labelValue(refused ?? "")}"}`,
    ),
  ];
}

function gauge(name: string, help: string, value: number | null, labels = ""): string[] {
  if (value === null) return [];
  const full = `llm_cost_catalogue_${name}`;
  return [`# HELP ${full} ${help}`, `# TYPE ${full} gauge`, `${full}${labels} ${value}`];
}

function labelValue(text: string): string {
  return text.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n");
}

function replicaLines(counts: NonNullable<Reader["counts"]>): string[] {
  return [
    "# HELP llm_cost_replica_questions_total Questions by the replica's state: answered; behind or unavailable, when the primary answered instead.",
    "# TYPE llm_cost_replica_questions_total counter",
    ...Object.entries(counts).map(([state, count]) => `llm_cost_replica_questions_total{state="${state}"} ${count}`),
  ];
}

async function queueLines(queue: CallQueue, nowMs: number): Promise<string[]> {
  const { messages, calls, lagSeconds } = queue.counts;
  const waiting = await queue.backlog();
  return [
    "# HELP llm_cost_queue_messages_total Messages by outcome. A message that is delivered again is counted again.",
    "# TYPE llm_cost_queue_messages_total counter",
    ...Object.entries(messages).map(([event, count]) => `llm_cost_queue_messages_total{event="${event}"} ${count}`),
    "# HELP llm_cost_queue_traces_total Calls of stored messages by outcome.",
    "# TYPE llm_cost_queue_traces_total counter",
    ...Object.entries(calls).map(([outcome, count]) => `llm_cost_queue_traces_total{outcome="${outcome}"} ${count}`),
    "# HELP llm_cost_queue_lag_seconds Time from sending a message to storing it.",
    "# TYPE llm_cost_queue_lag_seconds summary",
    `llm_cost_queue_lag_seconds_sum ${lagSeconds}`,
    `llm_cost_queue_lag_seconds_count ${messages.stored}`,
    ...(waiting === null
      ? []
      : [
          "# HELP llm_cost_queue_backlog_messages Messages waiting in the queue, from all isolates.",
          "# TYPE llm_cost_queue_backlog_messages gauge",
          `llm_cost_queue_backlog_messages ${waiting.messages}`,
          "# HELP llm_cost_queue_backlog_bytes Bytes waiting in the queue, from all isolates.",
          "# TYPE llm_cost_queue_backlog_bytes gauge",
          `llm_cost_queue_backlog_bytes ${waiting.bytes}`,
          "# HELP llm_cost_queue_oldest_message_seconds Age of the oldest waiting message.",
          "# TYPE llm_cost_queue_oldest_message_seconds gauge",
          `llm_cost_queue_oldest_message_seconds ${waiting.oldestMs === null ? 0 : (nowMs - waiting.oldestMs) / 1_000}`,
        ]),
  ];
}
