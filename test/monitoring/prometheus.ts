/** A real Prometheus with the shipped configuration and rules. Only targets, intervals and the token are the test's. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { vi } from "vitest";
import { parse, stringify } from "yaml";
import { freePort } from "../../scripts/local/listen.ts";
import { promtool, start } from "./binaries.ts";

export const SHIPPED = resolve(import.meta.dirname, "../../scripts/monitoring");
const INTERVAL = "250ms";
const PATIENCE = { timeout: 30_000, interval: 50 };
/** What the dashboards read of a node, and the name of it. */
const COLLECTORS = ["cpu", "meminfo", "filesystem", "diskstats", "netdev", "loadavg", "uname"];

export interface Sample {
  metric: Record<string, string>;
  value: [number, string];
}

export interface Prometheus extends AsyncDisposable {
  url: string;
  query(expr: string): Promise<Sample[]>;
  /** Names of rules that could not be evaluated, with the reason. */
  ruleErrors(): Promise<string[]>;
  /** Resolves when every job was scraped several times, and the rules were evaluated since. */
  settled(): Promise<void>;
}

interface Target {
  /** `http://127.0.0.1:8787` */
  url: string;
  token: string;
}

/** The one whose past is compared with. */
const WITH_PAST = "llm_cost_usd_total";
const STEP_SECONDS = 1_800;
const PAST_SECONDS = 26 * 3_600;

/** Gives Prometheus a past: what the target says now, as if it had said so for a day, until two hours ago. */
async function writeHistory(folder: string, { url, token }: Target): Promise<void> {
  const scrape = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  const labels = `job="llm-cost",instance="${new URL(url).host}"`;
  const series = (await scrape.text()).split("\n").filter((line) => line.startsWith(`${WITH_PAST}{`));
  const nowSeconds = Math.floor(Date.now() / 1_000);
  const lines: string[] = [];
  for (let ago = PAST_SECONDS; ago >= 7_200; ago -= STEP_SECONDS)
    for (const line of series) lines.push(`${line.replace("{", `{${labels},`)} ${nowSeconds - ago}`);
  const file = join(folder, "past.txt");
  await writeFile(file, [...lines, "# EOF", ""].join("\n"));
  const { code, output } = promtool(["tsdb", "create-blocks-from", "openmetrics", file, join(folder, "data")]);
  if (code !== 0) throw new Error(output);
}

/** Scrapes the target as job `llm-cost`, and this machine as job `node`. */
export async function startPrometheus({ url, token }: Target): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), "llm-cost-prometheus-"));
  const [port, nodePort] = [await freePort(), await freePort()];
  const config = parse(await readFile(join(SHIPPED, "prometheus.yml"), "utf8"));
  config.global = { scrape_interval: INTERVAL, evaluation_interval: INTERVAL };
  config.rule_files = [join(SHIPPED, "rules/*.yml")];
  const [worker, node] = config.scrape_configs;
  worker.scheme = "http";
  worker.static_configs = [{ targets: [new URL(url).host] }];
  node.static_configs = [{ targets: [`127.0.0.1:${nodePort}`] }];
  await writeFile(join(folder, "prometheus.yml"), stringify(config));
  await writeFile(join(folder, "metrics-token"), token);
  await writeHistory(folder, { url, token });
  const programs = [
    start("prometheus-node-exporter", [
      `--web.listen-address=127.0.0.1:${nodePort}`,
      "--collector.disable-defaults",
      ...COLLECTORS.map((name) => `--collector.${name}`),
    ]),
    start("prometheus", [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=warn",
    ]),
  ];
  const own = `http://127.0.0.1:${port}`;
  const get = async (path: string): Promise<unknown> => {
    const ended = programs.find((program) => program.ended());
    if (ended) throw new Error(`a program ended:\n${ended.output()}`);
    const response = await fetch(`${own}${path}`);
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return JSON.parse(text).data;
  };
  const query = async (expr: string): Promise<Sample[]> =>
    ((await get(`/api/v1/query?query=${encodeURIComponent(expr)}`)) as { result: Sample[] }).result;
  const rules = async (): Promise<{ name: string; lastError?: string; lastEvaluation: string }[]> => {
    const { groups } = (await get("/api/v1/rules")) as { groups: { rules: Awaited<ReturnType<typeof rules>> }[] };
    return groups.flatMap(({ rules }) => rules);
  };
  return {
    url: own,
    query,
    async ruleErrors() {
      return (await rules()).flatMap(({ name, lastError }) => (lastError ? [`${name}: ${lastError}`] : []));
    },
    async settled() {
      await vi.waitFor(async () => {
        const up = await query("sum_over_time(up[1m]) >= 4");
        if (up.length < 2) throw new Error(`not scraped often: ${JSON.stringify(await get("/api/v1/targets"))}`);
      }, PATIENCE);
      const evaluations = async () => (await rules()).map((rule) => Date.parse(rule.lastEvaluation));
      // A rule may read what another one recorded: the second evaluation has all.
      for (let round = 0; round < 2; round++) {
        const latest = Math.max(...(await evaluations()));
        await vi.waitFor(async () => {
          if (Math.min(...(await evaluations())) <= latest) throw new Error("the rules were not evaluated");
        }, PATIENCE);
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(programs.map((program) => program.stop()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
