/** A real Prometheus scrapes `/metrics` and a node: every panel shows something, and every rule reads what is there. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { levelsOfPrometheus } from "../../scripts/slo/from-prometheus.ts";
import { skipped } from "./binaries.ts";
import { type Prometheus, startPrometheus } from "./prometheus.ts";
import { namesIn, PANEL_QUERIES, RULES } from "./queries.ts";
import { startTarget } from "./target.ts";

describe.skipIf(skipped)("what Prometheus scrapes", () => {
  let prometheus: Prometheus;

  beforeAll(async () => {
    prometheus = await startPrometheus(await startTarget());
    await prometheus.settled();
  }, 60_000);
  afterAll(() => prometheus?.[Symbol.asyncDispose]());

  it("gives every panel something to show", async () => {
    const empty: string[] = [];
    for (const { where, expr } of PANEL_QUERIES)
      if ((await prometheus.query(expr)).length === 0) empty.push(`${where}: ${expr}`);
    expect(empty).toEqual([]);
  });

  it("has every series that a rule reads", async () => {
    const names = new Set(RULES.flatMap(({ expr }) => namesIn(expr)));
    expect(names).toContain("llm_cost_rollup_lag_seconds");
    expect(names).toContain("job_project:llm_cost_usd:increase1h");
    const absent: string[] = [];
    for (const name of names) if ((await prometheus.query(`count(${name})`)).length === 0) absent.push(name);
    expect(absent).toEqual([]);
  });

  it("can evaluate every rule", async () => {
    expect(await prometheus.ruleErrors()).toEqual([]);
  });

  it("has what npm run slo asks for", async () => {
    const levels = await levelsOfPrometheus(prometheus.url, "5m", "llm-cost");
    expect(levels.map(({ name, job }) => [name, job])).toEqual([
      ["availability", "llm-cost"],
      ["ingest_latency", "llm-cost"],
      ["read_latency", "llm-cost"],
      ["rollup_freshness", "llm-cost"],
    ]);
    expect(levels.at(-1)).toMatchObject({ good: 1, kept: true });
  });
});
