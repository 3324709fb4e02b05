/** A real Prometheus scrapes `/metrics` and a node: every panel shows something, and every rule reads what is there. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listenHttp, type HttpEndpoint } from "../../scripts/local/http-server.ts";
import { levelsOfPrometheus } from "../../scripts/slo/from-prometheus.ts";
import { skipped } from "./binaries.ts";
import { type Prometheus, startPrometheus } from "./prometheus.ts";
import { namesIn, PANEL_QUERIES, RULES } from "./queries.ts";
import { SAMPLE } from "./sample.ts";

const TOKEN = "a-token-of-metrics";

describe.skipIf(skipped)("what Prometheus scrapes", () => {
  let target: HttpEndpoint;
  let prometheus: Prometheus;

  beforeAll(async () => {
    target = await listenHttp((request, response) => {
      const known = request.headers.authorization === `Bearer ${TOKEN}` && request.url === "/metrics";
      response.writeHead(known ? 200 : 401, { "content-type": "text/plain; version=0.0.4" }).end(known ? SAMPLE : "");
    });
    prometheus = await startPrometheus({ url: target.url, token: TOKEN });
    await prometheus.settled();
  }, 60_000);
  afterAll(async () => {
    await prometheus?.[Symbol.asyncDispose]();
    await target?.close();
  });

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
