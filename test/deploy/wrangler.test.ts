/** `wrangler.toml`, read as wrangler reads it. An environment does not inherit bindings and variables. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { unstable_readConfig } from "wrangler";

const FILE = "wrangler.toml";
const text = readFileSync(FILE, "utf8");
const named = [...text.matchAll(/^\[env\.([a-z]+)\]$/gm)].map(([, name]) => name!);
/** The Worker at the top is the environment "". */
const ENVIRONMENTS = ["", ...named];

/** @throws Error if wrangler would refuse the file, or warn. */
function read(env: string, changed = text) {
  const folder = mkdtempSync(join(tmpdir(), "llm-cost-wrangler-"));
  const warn = vi.spyOn(console, "warn").mockReturnValue();
  try {
    writeFileSync(join(folder, FILE), changed);
    const config = unstable_readConfig({ config: join(folder, FILE), env });
    expect(warn.mock.calls).toEqual([]);
    return config;
  } finally {
    warn.mockRestore();
    rmSync(folder, { recursive: true });
  }
}

it("has the environments that the dry run tries", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };
  expect(named).toEqual(["staging", "production", "queue"]);
  expect(/^for to in '' ([a-z ]+);/.exec(scripts["dry-run"]!)?.[1]).toBe(named.join(" "));
});

describe.each(ENVIRONMENTS)('the environment "%s"', (env) => {
  const top = read("");
  const config = read(env);

  it("runs the same Worker, with cron", () => {
    expect(config.compatibility_date).toBe(top.compatibility_date);
    expect(config.compatibility_flags).toEqual(["nodejs_compat"]);
    expect(config.triggers.crons).toEqual(["* * * * *"]);
  });

  it("has every variable of the others, and only the queue's has a mode", () => {
    const { INGEST_MODE, ...vars } = config.vars;
    expect(vars).toEqual(top.vars);
    expect(INGEST_MODE).toBe(env === "queue" ? "queue" : undefined);
  });

  it("logs, without query strings", () => {
    expect(config.observability).toMatchObject({ enabled: true, redact_query_string: true, logs: { enabled: true } });
    const logged = config.observability?.logs?.head_sampling_rate;
    expect(logged).toBe(env === "production" || env === "queue" ? 0.1 : 1);
  });

  it("limits CPU time where the plan is paid, and requests everywhere", () => {
    expect(config.limits?.cpu_ms).toBe(env === "" ? undefined : 30_000);
    // The binding does not tell its numbers, so the variables do.
    const { RATE_LIMIT_REQUESTS: limit, RATE_LIMIT_PERIOD_SECONDS: period } = config.vars;
    expect(config.ratelimits).toEqual([
      { name: "RATE_LIMITER", namespace_id: expect.any(String), simple: { limit, period } },
    ]);
  });

  it("builds the page and has its files, and asks the Worker for all but those that never change", () => {
    expect(config.build.command).toBe("npm run --silent page");
    expect(config.assets).toMatchObject({ binding: "ASSETS", run_worker_first: ["/*", "!/assets/*"] });
  });

  it("keeps no secret in the file", () => {
    const secrets = /_(?:KEY|TOKEN|PASSWORD|SECRET)$|DATABASE_URL$|^UPSTASH_/;
    expect(Object.keys(config.vars).filter((name) => secrets.test(name))).toEqual([]);
  });
});

it("gives staging a name and a rate limit of its own; the others are one Worker", () => {
  const workers = ENVIRONMENTS.map((env) => [read(env).name, read(env).ratelimits[0]!.namespace_id]);
  expect(workers).toEqual([
    ["llm-cost-tracker", "1001"],
    ["llm-cost-tracker-staging", "1002"],
    ["llm-cost-tracker", "1001"],
    ["llm-cost-tracker", "1001"],
  ]);
});

it("has queues for staging behind comments, of the form that production has", () => {
  const start = text.indexOf("# [env.staging.queues]");
  const end = text.indexOf("\n\n", start);
  const block = text.slice(start, end).replace(/^# /gm, "");
  const { queues } = read("staging", text.slice(0, start) + block + text.slice(end));
  const renamed = JSON.parse(JSON.stringify(queues).replaceAll("llm-cost-staging-", "llm-cost-")) as unknown;
  expect(renamed).toEqual(read("queue").queues);
  expect(queues.consumers.map(({ queue }: { queue: string }) => queue)).toEqual([
    "llm-cost-staging-traces",
    "llm-cost-staging-dead-letters",
  ]);
});
