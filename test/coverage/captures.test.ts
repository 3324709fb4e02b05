/** What agents say themselves in the recorded bodies, against the calls that the same bodies made. */
import { describe, expect, it } from "vitest";
import { readCoverage } from "../../src/coverage/coverage.ts";
import type { TotalCoverage } from "../../src/coverage/shown.ts";
import { storePoints } from "../../src/coverage/store.ts";
import { decodeLogsJson, decodeLogsProtobuf } from "../../src/ingest/decode/otlp/logs.ts";
import { decodeMetricsJson, decodeMetricsProtobuf } from "../../src/ingest/decode/otlp/metrics.ts";
import { decodeOtlpJson, decodeOtlpProtobuf } from "../../src/ingest/decode/otlp/traces.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { type Body, bodiesOf, NOW, scenarios, truthOf } from "../captures.ts";
import { priced } from "../calls.ts";
import { database, newProject } from "../ledger.ts";

const db = database();
const RANGE = { fromMs: Date.UTC(2026, 10, 1), toMs: Date.UTC(2026, 11, 1) };

const parsed = ({ bytes }: Body): unknown => JSON.parse(new TextDecoder().decode(bytes));
const isOf = (signal: string) => (body: Body) => body.path.endsWith(`/v1/${signal}`);

async function send(project: string, bodies: readonly Body[]): Promise<void> {
  for (const body of bodies) {
    if (isOf("metrics")(body)) {
      const { points, errors } = body.json ? decodeMetricsJson(parsed(body), NOW) : decodeMetricsProtobuf(body.bytes, NOW);
      expect(errors).toEqual([]);
      await storePoints(db, project, points);
      continue;
    }
    const decoded = isOf("logs")(body)
      ? body.json ? decodeLogsJson(parsed(body), NOW) : decodeLogsProtobuf(body.bytes, NOW)
      : body.json ? decodeOtlpJson(parsed(body), NOW) : decodeOtlpProtobuf(body.bytes, NOW);
    await writeBatch(db, project, decoded.calls.map(priced), { links: decoded.links ?? [] });
  }
}

const withMetrics = scenarios().filter((scenario) => bodiesOf(scenario).some(isOf("metrics")));

async function coverageOf(bodies: readonly Body[]): Promise<TotalCoverage> {
  const project = await newProject(db);
  await send(project, bodies);
  const { totals } = await readCoverage(db, project, RANGE);
  expect(totals).toHaveLength(1);
  return totals[0]!;
}

describe("captured counters", () => {
  it.concurrent.each(withMetrics)("%s", async (scenario) => {
    const shown = await coverageOf(bodiesOf(scenario));
    const truth = truthOf(scenario);
    const sum = (name: "input_tokens" | "output_tokens" | "cache_read_tokens") =>
      truth.billable.reduce((total, call) => total + (call[name] ?? 0), 0);
    console.log(scenario, JSON.stringify(shown), sum("input_tokens"), sum("output_tokens"), sum("cache_read_tokens"));
  });
});
