/** What becomes of calls whose spans come in several bodies, and of calls that two tools report. */
import { createDeps } from "../../src/deps.ts";
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { sql } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { runScheduled } from "../../src/cron.ts";
import { createMergeSignal } from "../../src/rollup/signal.ts";
import { chat, jsonRequest, type SpanInput } from "../ingest/decode/otlp/request.ts";
import { call, config, db, ingested, json, MONDAY, openLedger, redis, WEEK, type Ledger } from "./ledger.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const [ROOT, STEP, LEAF] = ["00000000000000a1", "00000000000000a2", "00000000000000a3"];
const times = { startTimeUnixNano: `${MONDAY}000000`, endTimeUnixNano: `${MONDAY + 250}000000`, traceId: TRACE };

/** Sends spans of one trace as one body. */
async function send(ledger: Ledger, ...spans: SpanInput[]): Promise<void> {
  const body = jsonRequest({ resource: { "service.name": "shop" }, spans: spans.map((s) => ({ ...times, ...s })) });
  expect((await ledger.post(body)).status).toBe(200);
}

const agent: SpanInput = {
  spanId: ROOT,
  attributes: {
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.request.model": "gpt-5-mini",
    "gen_ai.provider.name": "openai",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 20,
    "user.id": "ada",
  },
};
const step: SpanInput = {
  spanId: STEP,
  parentSpanId: ROOT,
  attributes: { "session.id": "s-1", "metadata.team": "red" },
};
const leaf = chat({}, { spanId: LEAF, parentSpanId: STEP });

interface Listed {
  traces: (Record<string, unknown> & { id: string })[];
}

async function list(ledger: Ledger, filters = ""): Promise<Listed["traces"]> {
  return (await json<Listed>(await ledger.fetch(`/v1/traces?${WEEK}&billable=all${filters}`))).traces;
}

/** The scheduled run of an app whose wrappers do not wait. */
async function cron(): Promise<void> {
  const ctx = createExecutionContext();
  const mergeSignal = { ...createMergeSignal(redis), take: async () => true, keep: async () => {} };
  const deps = createDeps({ ...config, wrapperGraceSeconds: 0 }, { db, redis, mergeSignal });
  await runScheduled(deps, MONDAY + 60_000, (work) => ctx.waitUntil(work));
  await waitOnExecutionContext(ctx);
}

describe("a wrapper", () => {
  it("counts once cron finds that no call came in time, and no more when one comes late", async () => {
    const ledger = await openLedger();
    await send(ledger, agent);
    expect((await ledger.summary(WEEK)).totals).toMatchObject({ requests: 0, cost_usd: "0" });
    expect(await list(ledger)).toMatchObject([{ billable: false, rule: "gen_ai.operation.name" }]);
    await cron();
    expect((await ledger.summary(WEEK)).totals.requests).toBe(0);
    await db.query(sql`update held_wrappers set due_at = now() where project_id = ${ledger.projectId}::uuid`);
    await cron();
    // 100 x $0.25 + 20 x $2 per million. Another test's run may have taken the wrapper, and not be done with it.
    const cost = async () => (await ledger.summary(WEEK)).totals;
    await expect.poll(cost, { timeout: 20_000 }).toMatchObject({ requests: 1, cost_usd: "0.000065" });
    expect(await list(ledger)).toMatchObject([{ billable: true, rule: "gen_ai.operation.name; no call below" }]);

    await send(ledger, leaf, step);
    expect((await ledger.summary(WEEK)).totals).toMatchObject({ requests: 1, cost_usd: "0.000065" });
    const listed = await list(ledger, "&user=ada&tag.team=red&session_id=s-1");
    expect(listed).toMatchObject([{ span_id: LEAF, billable: true }]);
    expect((await ledger.summary(`${WEEK}&group_by=user`)).rows).toMatchObject([{ user: "ada", requests: 1 }]);
    const audit = await json<{ ok: boolean }>(await ledger.fetch(`/v1/audit?${WEEK}`));
    expect(audit.ok).toBe(true);
  });
});

describe("a call that two tools report", () => {
  it("counts once, with the sighting that tells more; the receipt of the other says so", async () => {
    const ledger = await openLedger();
    const response = { response_id: "chatcmpl-Abc123" };
    await ledger.write([call({ id: "sdk", ...response })]);
    const { accepted, duplicates } = await ledger.write([call({ id: "gateway", cache_read_tokens: 400, ...response })]);
    expect({ accepted, duplicates }).toEqual({ accepted: 1, duplicates: 0 });
    // 600 x $2.50 + 400 x $1.25 + 100 x $10 per million
    expect((await ledger.summary(WEEK)).totals).toMatchObject({ requests: 1, cost_usd: "0.003" });
    const [first] = await list(ledger, "&client_id=sdk");
    expect(first).toMatchObject({ billable: false, rule: "native; seen twice", cost_usd: "0.0035" });
    const counted = await json<Listed>(await ledger.fetch(`/v1/traces?${WEEK}`));
    expect(counted.traces).toMatchObject([{ client_id: "gateway", billable: true, rule: "native" }]);
  });
});

describe("a gateway's cache hit", () => {
  it("costs 0, whether or not its model has a price", async () => {
    const ledger = await openLedger();
    const entry = {
      id: "hit",
      model: "nobody-knows",
      cache_hit: true,
      startTime: MONDAY / 1_000,
      endTime: MONDAY / 1_000 + 1,
      prompt_tokens: 10,
      completion_tokens: 5,
    };
    await ingested(await ledger.post([entry], {}, "/v1/litellm"));
    expect(await list(ledger)).toMatchObject([{ billable: false, cost_usd: "0", unpriced_reason: null }]);
    expect((await ledger.summary(WEEK)).totals.requests).toBe(0);
  });
});
