/**
 * A project's life from its first call to retention, through the routes, the queue and cron: what runs each statement.
 */
import { createDeps } from "../../src/deps.ts";
import { sql } from "drizzle-orm";
import { expect, inject } from "vitest";
import { createApp } from "../../src/app.ts";
import { parseConfig } from "../../src/config.ts";
import { runScheduled } from "../../src/cron.ts";
import { type Database, DatabaseUnavailable, StatementTooLarge } from "../../src/db/client.ts";
import { consume } from "../../src/queue/consume.ts";
import { packMessages } from "../../src/queue/message.ts";
import { createCallQueue } from "../../src/queue/queue.ts";
import { connectRedis } from "../../src/redis.ts";
import { merge, mergeMain, mergeStep } from "../../src/rollup/merge.ts";
import { rotateKey } from "../../src/rotation.ts";
import { withNova } from "../catalogue/documents.ts";
import { metricsRequest } from "../ingest/decode/otlp/metrics-request.ts";
import { attributeList, chat, jsonRequest, type SpanInput } from "../ingest/decode/otlp/request.ts";
import { forgedKeys } from "../forged-keys.ts";
import { type OwnDatabase, ownDatabase } from "../own-database.ts";
import { priced, trace } from "../calls.ts";
import { recording, type Run } from "./citus-recording.ts";

/** At the daily sweep. */
const NOW = Date.UTC(2026, 10, 20, 3);
const RANGE = "from=2026-11-10&to=2026-11-20";
const RAGGED = "from=2026-11-10T00:20:00Z&to=2026-11-19T23:10:00Z";
const TIMES = {
  startTimeUnixNano: `${Date.UTC(2026, 10, 15, 10)}000000`,
  endTimeUnixNano: `${Date.UTC(2026, 10, 15, 10, 0, 1)}000000`,
};
const ADMIN_KEY = "admin-key-of-this-test-0123456789abcdef";

export interface Scenario {
  projectId: string;
  runs: readonly Run[];
  /** Where it was played, unrecorded. */
  db: Database;
  /** The owner's. */
  url: string;
}

/** A statement that fails instead of being run. */
interface Fault {
  /** A function that it is run by, and what is in its text. */
  within: string;
  text: string;
  error: Error;
  /** Not only once. */
  forGood?: true;
}

/** Where a write settles fails as if it were too large: what it has instead is run then. */
const TOO_LARGE: Fault = {
  within: "src/write/retry.ts retryRefused",
  text: "",
  error: new StatementTooLarge("of the scenario"),
};

/** @param as the database as it is reached. */
export async function playScenario(
  as: (own: OwnDatabase) => Promise<Database> | Database = ({ db }) => db,
): Promise<Scenario> {
  // Which statements are run does not depend on the driver.
  const given = await ownDatabase("neon");
  const { url } = given;
  const db = await as(given);
  const runs: Run[] = [];
  const faults: Fault[] = [];
  const recorded = recording(db, runs, ({ text, within }) => {
    const at = faults.findIndex((fault) => within.includes(fault.within) && text.includes(fault.text));
    if (at < 0) return null;
    const [{ error }] = (faults[at]!.forGood ? faults.slice(at) : faults.splice(at, 1)) as [Fault];
    return error;
  });

  let nowMs = NOW;
  const days = { RAW_RETENTION_DAYS: "10", HOUR_RETENTION_DAYS: "10" };
  const CATALOGUE_URL = "http://catalogue/data.json";
  const config = parseConfig({ ...inject("bindings"), ADMIN_KEY, CATALOGUE_URL, ...days });
  const upstash = connectRedis(config.redisUrl, config.redisToken);
  let redisIsDown = false;
  const redis: typeof upstash = {
    ...upstash,
    set: async (...args) => (redisIsDown ? { down: true } : await upstash.set(...args)),
    // Nobody has looked for a newer catalogue yet, whatever other tests do.
    getMany: async (keys) =>
      keys.includes("catalogue:check") ? { down: false, value: [null] } : await upstash.getMany(keys),
  };
  const messages: string[] = [];
  const queue = createCallQueue({
    send: async (message: unknown) => void messages.push(String(message)),
    sendBatch: async (batch: Iterable<{ body: unknown }>) => {
      for (const { body } of batch) messages.push(String(body));
    },
  } as unknown as Queue);
  const deps = createDeps(
    { ...config, database: { ...config.database, url } },
    {
      db: recorded,
      redis,
      merger: { added: (projectId, rows, keepAlive) => rows > 0 && keepAlive(mergeMain(recorded, projectId, rows)) },
      now: () => nowMs,
      fetchCatalogue: async () => ({ text: JSON.stringify(withNova()), etag: null }),
    },
  );
  const left: Promise<unknown>[] = [];
  const keepAlive = (work: Promise<unknown>): void => void left.push(work);
  const done = async (): Promise<void> => {
    while (left.length > 0) await Promise.all(left.splice(0));
  };
  const direct = createApp(deps);

  let key = ADMIN_KEY;
  let projectId = "";
  /** Of the page, in place of the key. */
  let cookie: string | null = null;
  async function ask<T>(method: string, path: string, body?: unknown, app = direct): Promise<T> {
    const headers = {
      ...(cookie === null ? { authorization: `Bearer ${key}` } : { cookie, "sec-fetch-site": "same-origin" }),
      "x-project-id": projectId,
      "content-type": "application/json",
      "cache-control": "no-cache",
    };
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    const context = { waitUntil: keepAlive, passThroughOnException() {}, props: {} };
    const response = await app.fetch(
      new Request(`http://ledger${path}`, { method, headers, ...init }),
      {},
      context as never,
    );
    const text = await response.text();
    expect(response.status, `${method} ${path}: ${text}`).toBeLessThan(300);
    cookie = response.headers.get("set-cookie")?.split(";")[0] ?? cookie;
    await done();
    return (text.startsWith("{") ? JSON.parse(text.split("\n", 1)[0]!) : text) as T;
  }
  const get = <T>(path: string): Promise<T> => ask("GET", path);
  const send = (spans: SpanInput[], traceId: string, scope = "test") =>
    ask("POST", "/v1/traces", jsonRequest({ scope, spans: spans.map((span) => ({ ...TIMES, traceId, ...span })) }));

  // Administration.
  ({ id: projectId } = await ask<{ id: string }>("POST", "/v1/projects", { name: "test" }));
  const scopes = ["admin"];
  const made = await ask<{ key: string }>("POST", "/v1/keys", { project_id: projectId, name: "all", scopes });
  const spare = await ask<{ id: string }>("POST", "/v1/keys", { project_id: projectId, name: "spare", scopes });
  await get("/v1/projects");
  await get("/v1/keys");
  await get("/v1/admin/database");
  await get("/v1/admin/state");
  // The page: sessions of a key and of the admin key.
  for (const held of [made.key, ADMIN_KEY]) {
    await ask("POST", "/v1/session", { key: held });
    await get("/v1/session");
    await get("/v1/prices");
    await ask("DELETE", "/v1/session");
    cookie = null;
  }
  await ask("POST", `/v1/keys/${spare.id}/rotate`, {});
  const again = { id: spare.id, newId: crypto.randomUUID(), overlapSeconds: 0 };
  await expect(rotateKey(recorded, nowMs, again)).rejects.toThrow("was replaced before");
  await ask("DELETE", `/v1/keys/${spare.id}`);
  await Promise.all(forgedKeys(40).map((forged) => deps.keyring.callerOf(forged, deps.now())));
  const price = { model: "our-model", starts_at: "2026-01-01", usd_per_million_tokens: { input: "2.5" } };
  await ask("POST", "/v1/prices", { ...price, project_id: null });

  // Calls in the native form: once, again, and again with other content.
  key = made.key;
  const labels = { user_id: "ada", tags: { team: "search" }, session_id: "s", duration_ms: 5 };
  const calls = [
    call("a", labels),
    call("b", { model: "unheard-of", cost_usd: 1 }),
    call("c", { response_id: "resp-1", trace_id: "t-1", span_id: "s-1" }),
    call("d", { user_id: "bob" }),
  ];
  await ask("POST", "/v1/traces", calls);
  await ask("POST", "/v1/traces", calls);
  await ask("POST", "/v1/traces", [...calls.slice(1), call("a", { ...labels, input_tokens: 7 })]);

  // Spans: a wrapper over calls, links, another sighting of a response, and a wrapper that has no call.
  const wrapper = (spanId: string): SpanInput => ({
    spanId,
    attributes: {
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.usage.input_tokens": 9,
      "gen_ai.usage.output_tokens": 3,
      "user.id": "ada",
    },
  });
  const link = (spanId: string): SpanInput => ({ spanId, attributes: { "session.id": "s", "user.id": "ada" } });
  const [first, second, third] = ["1", "2", "3"].map((digit) => digit.repeat(32)) as [string, string, string];
  const [top, middle, bottom] = ["a", "b", "c"].map((digit) => digit.repeat(16)) as [string, string, string];
  await send(
    [wrapper(top), link(middle), chat({ "gen_ai.response.id": "resp-2" }, { spanId: bottom, parentSpanId: middle })],
    first,
  );
  await send([{ ...link(middle), parentSpanId: top }], first);
  await send([chat({ "gen_ai.response.id": "resp-2" }, { spanId: bottom })], second);
  // Many ids, of which is asked first whether they are known.
  await send(
    Array.from({ length: 60 }, (_, i) =>
      chat({ "gen_ai.response.id": `resp-many-${i}` }, { spanId: `${100 + i}`.padStart(16, "0") }),
    ),
    "5".repeat(32),
  );
  await send([wrapper(top)], third);
  faults.push(TOO_LARGE);
  await send([wrapper(middle), chat({}, { spanId: bottom, parentSpanId: middle })], third);
  // A span whose conversation comes in a later body.
  const used = { "gen_ai.usage.input_tokens": 1, "gen_ai.usage.output_tokens": 1, "codex.usage.total_tokens": 2 };
  await send([{ spanId: bottom, parentSpanId: top, attributes: used }], "4".repeat(32), "codex");
  await send([{ spanId: top, attributes: { "conversation.id": "c-1" } }], "4".repeat(32), "codex");
  await ask("POST", "/v1/litellm", [
    {
      id: "chatcmpl-abc",
      call_type: "acompletion",
      status: "success",
      custom_llm_provider: "openai",
      model: "gpt-4o-mini",
      startTime: Date.UTC(2026, 10, 15) / 1_000,
      endTime: Date.UTC(2026, 10, 15) / 1_000 + 1,
      prompt_tokens: 10,
      completion_tokens: 2,
    },
  ]);
  await ask("POST", "/v1/logs", { resourceLogs: [{ resource: { attributes: attributeList({}) }, scopeLogs: [] }] });

  const usage = { name: "gen_ai.client.inference.usage.input_tokens", points: [{ asInt: 3, timeMs: NOW - 3_600_000 }] };
  await ask("POST", "/v1/metrics", metricsRequest([usage]));

  // Questions.
  await get(`/v1/coverage?${RANGE}`);
  const questions = [
    "",
    "&interval=hour&include=latency&group_by=application,model",
    "&interval=day&group_by=user&include=latency,buckets,rates",
    "&interval=month&group_by=tag.team,provider&limit=1&order=-cost_usd",
    "&tz=Asia/Kolkata&interval=day&compare=previous&model=gpt-4o",
    "&user=ada&group_by=operation&include=latency",
    "&covered_by=plan&group_by=covered_by",
    "&tag.team=search&interval=week",
    "&compare_from=2026-11-11&compare_to=2026-11-12T00:30:00Z&group_by=environment",
  ];
  for (const range of [RANGE, RAGGED]) {
    for (const question of questions) await get(`/v1/summary?${range}${question}`);
    for (const question of ["", "&user=ada", "&tz=Asia/Kolkata&provider=openai"]) {
      await get(`/v1/explain?${range}${question}&compare=previous`);
    }
    for (const question of [
      "type=summary&group_by=user,model&interval=day&include=latency",
      "type=summary&format=csv&group_by=tag.team",
      "type=summary&format=focus",
      "type=summary&format=focus&interval=hour&group_by=user",
      "type=traces&format=csv&model=gpt-4o",
      "type=traces&unpriced=true&billable=all",
    ])
      await get(`/v1/export?${range}&${question}`);
  }
  const { cursor } = await get<{ cursor: string }>(`/v1/export?${RANGE}&type=summary&group_by=user,model&interval=day`);
  await get(`/v1/export?type=summary&group_by=user,model&interval=day&cursor=${cursor}`);
  const filters = "user=ada&tag.team=search&session_id=s&status=ok&billable=all&unpriced=false&limit=1";
  await get(`/v1/traces?${RANGE}&${filters}`);
  const page = await get<{ traces: { id: string }[]; next_cursor: string }>(`/v1/traces?${RANGE}&limit=1`);
  await get(`/v1/traces?${RANGE}&cursor=${page.next_cursor}`);
  await get(`/v1/sessions?${RANGE}&limit=1&application=unknown`);
  await get(`/v1/sessions/s?${RANGE}`);
  await get(`/v1/trace-trees/${first}`);
  await get(`/v1/trace-trees/${first}?${RANGE}`);
  for (const question of ["application", "model&user=ada", "user&model=gpt-4o", "tag.team&prefix=s", "tag"])
    await get(`/v1/values?${RANGE}&field=${question}`);
  await get(`/v1/audit?${RANGE}`);
  await get("/metrics");
  await get("/readyz");

  // Plans.
  const plan = await ask<{ id: string }>("POST", "/v1/plans", {
    name: "seats",
    seat_usd: "20",
    period: "month",
    from: "2026-11-01",
    users: ["ada", "nobody"],
  });
  await get("/v1/plans?limit=1");
  await get(`/v1/plans?cursor=20990101-${plan.id}`);
  await get(`/v1/plans/${plan.id}/use?${RANGE}`);
  await ask("DELETE", `/v1/plans/${plan.id}`);

  // Saved views.
  const view = await ask<{ id: string }>("POST", "/v1/views", { name: "by model", path: "/explore?group_by=model" });
  await get("/v1/views");
  await ask("PUT", `/v1/views/${view.id}`, { name: "by user", path: "/explore?group_by=user" });
  await ask("DELETE", `/v1/views/${view.id}`);

  // Calls that look like one, and what is said of them.
  const twin = {
    timestamp: "2026-11-15T11:00:00Z",
    model: "gpt-4o",
    session_id: "twins",
    trace_id: "twins",
    input_tokens: 9,
    output_tokens: 1,
  };
  await ask("POST", "/v1/traces", [
    { ...twin, id: "twin-1", other_ids: ["twin", "twins"] },
    { ...twin, id: "twin-2" },
  ]);
  const { doubles } = await get<{ doubles: { id: string }[] }>(`/v1/doubles?${RANGE}&limit=1`);
  const pair = `/v1/doubles/${doubles[0]!.id}`;
  await ask("POST", pair, { verdict: "same" });
  await get("/v1/trace-trees/twins");
  await get(`/v1/doubles?${RANGE}&verdict=same`);
  await ask("POST", pair, { verdict: "different" });

  // Calls that are taken out, one of which stands for others.
  const shown = await get<{ traces: Record<string, string>[] }>(`/v1/traces?${RANGE}&billable=all`);
  const idOf = (field: string, value: string): string => shown.traces.find((trace) => trace[field] === value)!["id"]!;
  await get(`/v1/traces/${idOf("client_id", "a")}`);
  await get(`/v1/traces/${idOf("response_id", "resp-2")}`);
  await ask("DELETE", `/v1/traces/${idOf("response_id", "resp-2")}`);
  faults.push(TOO_LARGE);
  await ask("DELETE", `/v1/traces/${idOf("response_id", "resp-1")}`);

  // Prices, and what they change in the past.
  await get("/v1/prices");
  await get(`/v1/prices/unpriced?${RANGE}`);
  const alias = { model: "unheard-of", starts_at: "2026-01-01", same_as: { provider: "openai", model: "gpt-4o" } };
  await ask("POST", "/v1/prices", alias);
  const own = { ...price, model: "gpt-4o", usd_per_million_tokens: { input: "3" } };
  await ask("POST", "/v1/prices", own);
  const scope = { from: "2026-11-10", to: "2026-11-20", provider: "openai", model: ["gpt-4o"] };
  await ask("POST", "/v1/reprice", scope);
  await ask("POST", "/v1/reprice", { ...scope, price: { ...own, model: "gpt-4o*" } });
  const job = await ask<{ id: string }>("POST", "/v1/reprice", { ...scope, dry_run: false });
  await get(`/v1/reprice/${job.id}`);
  await get("/v1/reprice");
  await ask("DELETE", `/v1/reprice/${job.id}`);
  // Corrections that cron adds up.
  await db.query(sql`
    insert into corrections select c.* from corrections c, generate_series(1, 1001)
    where project_id = ${projectId}::uuid`);
  // A job whose step fails, in the next run of cron.
  await db.query(sql`
    insert into reprice_jobs (project_id, id, scope)
    values (${projectId}::uuid, gen_random_uuid(), '{"fromMs": 0, "toMs": 1}'::jsonb)`);

  await get(`/v1/prices/differences?${RANGE}`);
  await get(`/v1/prices/unknown-members?${RANGE}`);
  await ask("POST", "/v1/repair", { from: "2026-11-15", to: "2026-11-16" });

  // One call that two reports tell, on the day that is repaired below.
  await ask("POST", "/v1/traces", [
    { ...call("told", labels), response_id: "response-told" },
    { ...call("told again", labels), response_id: "response-told" },
  ]);
  // What an older version left: an alias of a provider, and a day whose rollups lack reported costs.
  await db.query(sql`update traces set provider = 'xai' where project_id = ${projectId}::uuid and model = 'gpt-4o'`);
  await db.query(sql`update rollup set provider = 'xai' where project_id = ${projectId}::uuid and level = 0`);
  await db.query(
    sql`insert into days_to_repair values (${projectId}::uuid, '2026-11-15Z'), (${projectId}::uuid, '2026-11-14Z')`,
  );

  // Links of a trace that is quiet by now, and an hour row that is no longer kept.
  await db.query(sql`
    update spans set received_at = now() - interval '8 days' where project_id = ${projectId}::uuid and trace_id = ${first}`);
  await db.query(sql`
    insert into rollup
    select (jsonb_populate_record(r, '{"level": 1, "bucket": "2026-11-01T00:00:00Z"}')).* from rollup r
    where project_id = ${projectId}::uuid and label = '' limit 1`);

  // The queue, and what it could not deliver.
  const queued = { ...deps, queue };
  await ask("POST", "/v1/traces", [call("queued", labels)], createApp(queued));
  const deliver = (name: string, bodies: readonly string[]) =>
    consume(
      queued,
      {
        queue: name,
        messages: bodies.map((body, i) => ({
          id: `${name}-${i}`,
          body,
          attempts: 1,
          timestamp: new Date(NOW),
          ack() {},
          retry() {},
        })),
      } as unknown as MessageBatch,
      keepAlive,
    );
  await deliver("traces", messages);
  await deliver("traces-dead-letters", [...messages, ...messages, "no message of ours"]);
  await done();

  // Users who are erased: one whom rollups name without a call, another whose first step fails.
  await db.query(sql`
    insert into rollup
    select (jsonb_populate_record(r, '{"level": 4, "bucket": "2026-11-16T00:00:00Z", "label": "user", "value": "ada"}')).* from rollup r
    where project_id = ${projectId}::uuid and label = '' limit 1`);
  const erasure = await ask<{ id: string }>("DELETE", "/v1/users/ada?mode=anonymise");
  faults.push({
    within: "src/erase/job.ts takeStep",
    text: "update spans",
    error: new StatementTooLarge("of the scenario"),
  });
  await ask("DELETE", "/v1/users/bob?mode=remove");
  await get("/v1/erasures");
  await get(`/v1/erasures/${erasure.id}`);
  const letters = await get<{ dead_letters: { id: string }[] }>("/v1/dead-letters?limit=1");
  await ask("DELETE", `/v1/dead-letters/${letters.dead_letters[0]!.id}`);
  key = ADMIN_KEY;
  await ask("POST", "/v1/dead-letters/replay");
  await get("/v1/admin/log?limit=1");

  // One row of any kind, labels that wait, and then all.
  await mergeStep(recorded, 1);
  await merge(recorded, () => nowMs, Number.POSITIVE_INFINITY, { labelsWait: true });
  await merge(recorded, () => nowMs, Number.POSITIVE_INFINITY);

  // Cron: first nothing can be decided about wrappers, and a step of compacting fails; Redis was down for a write.
  key = made.key;
  redisIsDown = true;
  await ask("POST", "/v1/traces", [call("while Redis is down", { user_id: "merged by cron" })]);
  redisIsDown = false;
  const error = new DatabaseUnavailable("of the scenario");
  faults.push({ within: "src/write/held.ts decide", text: "select n.* from", error, forGood: true });
  faults.push({ within: "src/rollup/compact.ts compact", text: "delete from rollup", error });
  for (let run = 0; run < 2; run++) {
    await db.query(sql`update held_wrappers set due_at = now()`);
    await runScheduled(deps, NOW, keepAlive);
    await done();
    faults.length = 0;
    // By then a newer catalogue is known everywhere.
    nowMs += 3 * 60_000;
  }
  await get(`/v1/summary?${RANGE}&interval=day&group_by=model`);

  // What was queued for so long that calls of its time are kept no longer.
  const expired = priced(trace({ clientId: "expired", startedAtMs: NOW - 60 * 86_400_000 }));
  await deliver("traces", packMessages(projectId, { calls: [expired], links: [] }).messages);
  key = ADMIN_KEY;
  await ask("POST", "/v1/dead-letters/replay");
  return { projectId, runs, db, url };
}

function call(id: string, fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id,
    timestamp: "2026-11-15T10:20:00.000Z",
    model: "gpt-4o",
    provider: "openai",
    input_tokens: 1_000,
    output_tokens: 100,
    ...fields,
  };
}
