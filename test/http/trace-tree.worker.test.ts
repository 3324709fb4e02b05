/** `GET /v1/trace-trees/{id}`: the tree as stored. `test/traces/tree.test.ts` has what trees may look like. */
import { sql } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { chat, jsonRequest, type SpanInput } from "../ingest/decode/otlp/request.ts";
import {
  call,
  DAY,
  db,
  iso,
  json,
  type Ledger,
  ledgerOf,
  MONDAY,
  newKey,
  openLedger,
  problem,
  WEEK,
} from "./ledger.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const [ROOT, STEP, LEAF, LAST] = ["00000000000000a1", "00000000000000a2", "00000000000000a3", "00000000000000a4"];
const times = (ms: number) => ({
  startTimeUnixNano: `${MONDAY + ms}000000`,
  endTimeUnixNano: `${MONDAY + ms + 250}000000`,
  traceId: TRACE,
});

interface Tree {
  trace_id: string;
  truncated: boolean;
  totals: Record<string, unknown>;
  spans: (Record<string, unknown> & { id: string | null; span_id: string; counts: boolean; why: string })[];
}

const agent: SpanInput = {
  spanId: ROOT!,
  attributes: {
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.request.model": "gpt-5-mini",
    "gen_ai.provider.name": "openai",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 20,
    "user.id": "ada",
  },
};
const step: SpanInput = { spanId: STEP!, parentSpanId: ROOT!, attributes: { "session.id": "s-1" } };

async function send(ledger: Ledger, ...spans: SpanInput[]): Promise<void> {
  const placed = spans.map((span, i) => ({ ...times(i * 10), ...span }));
  expect((await ledger.post(jsonRequest({ resource: { "service.name": "shop" }, spans: placed }))).status).toBe(200);
}

const read = async (ledger: Ledger, query = "", id = TRACE): Promise<Tree> =>
  await json<Tree>(await ledger.fetch(`/v1/trace-trees/${id}${query}`));

describe("a trace of an agent", () => {
  it("has each span in its place; the cost below the agent is the cost of the trace, and each call has a receipt", async () => {
    const ledger = await openLedger();
    const response = { "gen_ai.response.id": "resp-123456" };
    await send(
      ledger,
      agent,
      step,
      chat(response, { spanId: LEAF!, parentSpanId: STEP! }),
      chat({}, { spanId: LAST!, parentSpanId: ROOT! }),
    );
    // A gateway's report of the same response, which tells more.
    await ledger.write([
      call({ id: "gateway", response_id: "resp-123456", cache_read_tokens: 400, timestamp: iso(MONDAY + 25) }),
    ]);
    const tree = await read(ledger);
    expect(tree).toMatchObject({
      trace_id: TRACE,
      truncated: false,
      totals: { requests: 1, unpriced_requests: 0, calls: 3, links: 1 },
    });
    expect(
      tree.spans.map(({ span_id, depth, kind, counts, name, application }) => [
        span_id,
        depth,
        kind,
        counts,
        name,
        application,
      ]),
    ).toEqual([
      [ROOT, 0, "call", false, "invoke_agent", "shop"],
      [STEP, 1, "link", false, null, null],
      [LEAF, 2, "call", false, "chat", "shop"],
      [LAST, 1, "call", true, "chat", "shop"],
    ]);
    const [root, , leaf, last] = tree.spans;
    expect(root!.why).toMatch(/repeats what the calls below/);
    const { traces } = await json<{ traces: { id: string; client_id: string }[] }>(
      await ledger.fetch(`/v1/traces?${WEEK}`),
    );
    const gateway = traces.find(({ client_id }) => client_id === "gateway")!;
    expect(leaf).toMatchObject({ counted_as: gateway.id, subtree_cost_usd: "0", subtree_requests: 0 });
    expect(leaf!.why).toContain(gateway.id);
    expect(root).toMatchObject({
      subtree_cost_usd: tree.totals["cost_usd"],
      subtree_requests: 1,
      start: iso(MONDAY),
      duration_ms: 250,
    });
    const receipt = await json<{ cost_usd: string }>(await ledger.fetch(`/v1/traces/${last!.id}`));
    expect(receipt.cost_usd).toBe(tree.totals["cost_usd"]);
  });

  it("says until when a wrapper is held", async () => {
    const ledger = await openLedger();
    await send(ledger, agent);
    const { spans, totals } = await read(ledger);
    expect(totals).toMatchObject({ requests: 0, cost_usd: "0", calls: 1 });
    const [held] = await db.query(sql`select due_at from held_wrappers where project_id = ${ledger.projectId}::uuid`);
    expect(spans[0]!.why).toContain(`Held until ${(held!["due_at"] as Date).toISOString()}`);
  });
});

describe("a trace of native calls", () => {
  it("is there without span ids, in the range alone, and is nobody else's", async () => {
    const ledger = await openLedger();
    const trace_id = "any text / %41 <b>";
    await ledger.write([
      call({ trace_id, timestamp: iso(MONDAY) }),
      call({ trace_id, timestamp: iso(MONDAY + 3 * DAY), model: "nobody-knows" }),
      call({ trace_id: "another" }),
    ]);
    const id = encodeURIComponent(trace_id);
    expect((await read(ledger, "", id)).totals).toMatchObject({
      requests: 2,
      cost_usd: "0.0035",
      unpriced_requests: 1,
    });
    const days = (from: number, to: number): string => `?from=${iso(MONDAY + from * DAY)}&to=${iso(MONDAY + to * DAY)}`;
    expect((await read(ledger, days(0, 1), id)).totals).toMatchObject({ requests: 1, cost_usd: "0.0035" });
    expect((await read(ledger, days(1, 4), id)).totals).toMatchObject({ requests: 1, cost_usd: null });
    await problem(await ledger.fetch(`/v1/trace-trees/${id}${days(1, 2)}`), 404, "not_found");
    await problem(await (await openLedger()).fetch(`/v1/trace-trees/${id}`), 404, "not_found");
    await problem(await ledger.fetch("/v1/trace-trees/x?from=2025-03-12&to=2025-03-11"), 400, "invalid_parameter");
    const writer = ledgerOf(ledger.projectId, await newKey(ledger.projectId, ["ingest"]));
    await problem(await writer.fetch(`/v1/trace-trees/${id}`), 403, "forbidden");
  });

  it("of 5,001 is cut, and its sums are of the first 5,000 ($17.50)", async () => {
    const ledger = await openLedger();
    const calls = Array.from({ length: 5_001 }, (_, i) => call({ trace_id: "long", timestamp: iso(MONDAY + i) }));
    await ledger.write(calls.slice(0, 4_000));
    await ledger.write(calls.slice(4_000));
    const { truncated, totals, spans } = await read(ledger, `?${WEEK}`, "long");
    expect({ truncated, totals }).toMatchObject({ truncated: true, totals: { requests: 5_000, cost_usd: "17.5" } });
    expect(spans.at(-1)!["start"]).toBe(iso(MONDAY + 4_999));
  });
});
