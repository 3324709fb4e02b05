/** What agents say themselves in the recorded bodies, against the calls that the same bodies made. */
import { describe, expect, it } from "vitest";
import { readCoverage } from "../../src/coverage/coverage.ts";
import type { CoverageTotal } from "../../src/coverage/shown.ts";
import { storePoints } from "../../src/coverage/store.ts";
import { decodeLogsJson, decodeLogsProtobuf } from "../../src/ingest/decode/otlp/logs.ts";
import { decodeMetricsJson, decodeMetricsProtobuf } from "../../src/ingest/decode/otlp/metrics.ts";
import { decodeOtlpJson, decodeOtlpProtobuf } from "../../src/ingest/decode/otlp/traces.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { type Body, bodiesOf, NOW, scenarios, truthOf } from "../captures.ts";
import { priced } from "../calls.ts";
import { database, newProject } from "../ledger.ts";

const db = database();
const RANGE = { fromMs: Date.UTC(2026, 10, 1), toMs: Date.UTC(2026, 11, 1), endMs: Date.UTC(2026, 11, 1) };

const parsed = ({ bytes }: Body): unknown => JSON.parse(new TextDecoder().decode(bytes));
const isOf = (signal: string) => (body: Body) => body.path.endsWith(`/v1/${signal}`);

async function send(project: string, bodies: readonly Body[]): Promise<void> {
  for (const body of bodies) {
    if (isOf("metrics")(body)) {
      const { points, errors } = body.json
        ? decodeMetricsJson(parsed(body), NOW)
        : decodeMetricsProtobuf(body.bytes, NOW);
      expect(errors).toEqual([]);
      await storePoints(db, project, points);
      continue;
    }
    const decoded = isOf("logs")(body)
      ? body.json
        ? decodeLogsJson(parsed(body), NOW)
        : decodeLogsProtobuf(body.bytes, NOW)
      : body.json
        ? decodeOtlpJson(parsed(body), NOW)
        : decodeOtlpProtobuf(body.bytes, NOW);
    await writeBatch(db, project, decoded.calls.map(priced), { links: decoded.links ?? [] });
  }
}

/** Of each scenario the counters, and the calls of one of its other signals. */
const SCENARIOS = scenarios().flatMap((scenario) => {
  const bodies = bodiesOf(scenario);
  const signal = bodies.some(isOf("logs")) ? "logs" : "traces";
  const metrics = bodies.filter(isOf("metrics"));
  return metrics.length === 0 ? [] : [{ scenario, metrics, calls: bodies.filter(isOf(signal)) }];
});

async function coverageOf(bodies: readonly Body[]): Promise<CoverageTotal> {
  const project = await newProject(db);
  await send(project, bodies);
  const { totals, rows } = await readCoverage(db, project, RANGE);
  expect(totals).toHaveLength(1);
  const [{ day: _, ...only }] = rows as [(typeof rows)[number]];
  expect(only).toEqual(totals[0]);
  return totals[0]!;
}

const COUNTS = [
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "reasoning_tokens",
] as const;

/** What the agents' own counters leave out. */
const NOT_COUNTED: Record<string, Partial<Record<(typeof COUNTS)[number], number>>> = {
  // The tokens of tool results: 32 of 4,330 and 33 of 4,431.
  "qwen-code-0.24.4/gemini": { input_tokens: 65 },
};

describe("captured counters, and the calls of the same run", () => {
  it.concurrent.each(SCENARIOS)("$scenario", async ({ scenario, metrics, calls }) => {
    const shown = await coverageOf([...calls, ...metrics]);
    const truth = truthOf(scenario);
    if (shown.claimed.last_at === null) {
      // The only calls failed, so there was nothing to count.
      expect(truth.billable.every(({ error }) => error)).toBe(true);
      return;
    }
    for (const name of COUNTS) {
      const [claimed, ledger] = [shown.claimed[name], shown.ledger[name]];
      if (claimed === null) continue;
      const total = truth.billable.reduce((sum, call) => sum + (call[name] ?? 0), 0);
      const lacks = NOT_COUNTED[scenario]?.[name] ?? 0;
      expect([name, claimed, ledger ?? 0]).toEqual([name, total - lacks, total]);
      expect([name, shown.missing[name]]).toEqual([name, 0 - lacks]);
    }
    if (NOT_COUNTED[scenario]) return expect(shown.notes).toHaveLength(1);
    expect(shown.share_percent).toBe(100);
    expect(shown.missing.sessions ?? 0).toBe(0);
    expect(shown.claimed.flagged_points + shown.claimed.left_out_points).toBe(0);
  });

  it.concurrent.each(SCENARIOS)(
    "$scenario: once, in any order, however often they are sent",
    async ({ metrics, calls }) => {
      const once = await coverageOf([...calls, ...metrics]);
      const often = await coverageOf([...metrics.toReversed(), ...calls, ...metrics, ...metrics.toReversed()]);
      expect(often).toEqual(once);
    },
  );

  it("says what is missing where a body of calls was lost", async () => {
    // Three sessions' worth of counters: 101 + 41, 102 + 42 and 103 + 43 tokens with 10, 20 and 30 cached beside.
    const { metrics, calls } = SCENARIOS.find(({ scenario }) => scenario === "claude-code-2.1.332/resume-fork")!;
    const shown = await coverageOf([...calls.slice(0, -1), ...metrics]);
    // (111 + 41 + 122 + 42) of (111 + 41 + 122 + 42 + 133 + 43): 316 of 492
    expect(shown).toMatchObject({
      claimed: { input_tokens: 366, total_tokens: 492, sessions: 2 },
      ledger: { requests: 2, input_tokens: 233, total_tokens: 316 },
      missing: { input_tokens: 133, total_tokens: 176, sessions: 1 },
      share_percent: 64.22,
    });
    expect(shown.notes).toEqual([
      expect.stringContaining("more tokens than the ledger has"),
      "1 of 2 sessions with counters have no call in the ledger.",
    ]);
  });

  it("says where only one side came", async () => {
    const { metrics, calls } = SCENARIOS.find(({ scenario }) => scenario === "gemini-cli-0.61.0/one-prompt")!;
    expect(await coverageOf(metrics)).toMatchObject({
      ledger: { requests: 0 },
      missing: { sessions: 1 },
      share_percent: 0,
    });
    const unheard = await coverageOf(calls);
    expect(unheard).toMatchObject({
      claimed: { input_tokens: null },
      ledger: { requests: 1, input_tokens: 4330 },
      missing: { input_tokens: null },
      share_percent: null,
    });
    expect(unheard.notes).toEqual([expect.stringContaining("sent no counters")]);
  });
});
