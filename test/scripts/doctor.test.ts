/** The doctor's checks of everything but the database, its time limits, and what it prints. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Check, Finding } from "../../scripts/doctor/check.ts";
import { main } from "../../scripts/doctor/command.ts";
import { CONFIGURATION } from "../../scripts/doctor/configuration.ts";
import { LEDGER } from "../../scripts/doctor/ledger.ts";
import { parseDoctorArgs } from "../../scripts/doctor/options.ts";
import { judgeFlag, REDIS } from "../../scripts/doctor/redis.ts";
import { asJson, asText } from "../../scripts/doctor/report.ts";
import { runChecks } from "../../scripts/doctor/run.ts";
import { findSubject } from "../../scripts/doctor/subject.ts";
import { judgeCatalogue, judgeClocks, WORKER } from "../../scripts/doctor/worker.ts";
import { listen } from "../../scripts/local/listen.ts";
import { CATALOGUE_DAY, CATALOGUE_VERSION } from "../../src/pricing/catalogue.ts";
import { finding, subjectWith } from "./doctor-subject.ts";

const NOW = Date.UTC(2026, 10, 30);
const HOUR = 3_600_000;

interface Page {
  status?: number;
  body: unknown;
  date?: string;
}

/** A server that answers as told. */
async function serve(answer: (request: IncomingMessage, body: string) => Page): Promise<string> {
  const server = createServer(async (request, response) => {
    const { status = 200, body, date } = answer(request, await text(request));
    response.writeHead(status, date === undefined ? {} : { date });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });
  const port = await listen(server);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${port}`;
}

describe("the Worker", () => {
  const READY = { status: "ok", database: "up", redis: "up", catalogue: CATALOGUE_VERSION, catalogue_refused: null };
  const worker = async (pages: Record<string, Page>): Promise<{ url: string }> => ({
    url: await serve(({ url = "" }) => pages[url] ?? { status: 404, body: "" }),
  });

  it.each([
    ["worker.health", { "/healthz": { body: READY } }, "ok", /^200 in \d+ ms$/],
    ["worker.health", { "/healthz": { status: 500, body: "broken" } }, "failed", /^500: broken$/],
    ["worker.ready", { "/readyz": { body: READY } }, "ok", /Redis up/],
    ["worker.ready", { "/readyz": { body: { ...READY, redis: "down" } } }, "failed", /Redis down/],
    [
      "worker.ready",
      { "/readyz": { status: 503, body: { code: "database_unavailable" } } },
      "failed",
      /database_unavail/,
    ],
    ["worker.admin_key", { "/v1/keys?limit=1": { body: {} } }, "ok", /accepted/],
    ["worker.admin_key", { "/v1/keys?limit=1": { status: 401, body: {} } }, "failed", /refused \(401\)/],
    ["worker.cron", { "/metrics": { status: 403, body: {} } }, "skipped", /refuses the key/],
    ["worker.cron", { "/metrics": { body: "other 1\n" } }, "skipped", /does not tell/],
  ])("%s: %j is %s", async (id, pages, state, found) => {
    const parts = { ...(await worker(pages)), adminKey: "a".repeat(40) };
    expect(await finding(WORKER, id, parts)).toMatchObject({ state, found: expect.stringMatching(found) });
  });

  it("cron has not run for a day, or one of its stages has not", async () => {
    const metrics = (stages: Record<string, number>): string =>
      Object.entries(stages)
        .map(([stage, atMs]) => `llm_cost_cron_last_success_timestamp_seconds{stage="${stage}"} ${atMs / 1_000}\n`)
        .join("");
    const cron = async (stages: Record<string, number>) =>
      finding(WORKER, "worker.cron", {
        ...(await worker({ "/metrics": { body: metrics(stages) } })),
        metricsToken: "t",
        now: () => NOW,
      });
    expect(await cron({ merge: NOW - 60_000, sweep: NOW - 20 * HOUR })).toMatchObject({
      state: "ok",
      found: "last success 60 s ago, 2 stages",
    });
    expect(await cron({ merge: NOW - 60_000, retain: NOW - 50 * HOUR })).toMatchObject({
      state: "warning",
      found: "last success 60 s ago, but not of retain",
    });
    expect(await cron({ merge: NOW - 2 * HOUR })).toMatchObject({ state: "ok" });
    expect(await cron({ merge: NOW - 2 * HOUR, run: NOW - HOUR })).toMatchObject({ state: "failed" });
    expect(await cron({ merge: NOW - 30 * HOUR })).toMatchObject({
      state: "failed",
      found: "last success 30 hours ago",
    });
  });

  it("compares its clock, by the header", async () => {
    const date = new Date(NOW + HOUR).toUTCString();
    const parts = { ...(await worker({ "/healthz": { body: READY, date } })), now: () => NOW };
    expect(await finding(WORKER, "worker.clock", parts)).toMatchObject({
      state: "failed",
      advice: expect.stringContaining("the Worker's is 60 minutes ahead"),
    });
    expect(judgeClocks([{ whose: "database", aheadMs: -6_000 }]).state).toBe("warning");
    expect(judgeClocks([{ whose: "database", aheadMs: 400 }]).state).toBe("ok");
  });

  it("sends a key nowhere else, though it is redirected", async () => {
    let asked = 0;
    const elsewhere = await serve(() => ({ body: String(asked++) }));
    const server = createServer((_, response) => response.writeHead(302, { location: elsewhere }).end());
    const url = `http://127.0.0.1:${await listen(server)}`;
    onTestFinished(() => void server.close());
    expect(await finding(WORKER, "worker.admin_key", { url, adminKey: "a".repeat(40) })).toMatchObject({
      state: "failed",
    });
    expect(asked).toBe(0);
  });

  it("judges the age of the catalogue by its version, and says why a newer one is refused", () => {
    const published = Date.parse(`${CATALOGUE_DAY}T00:00:00Z`);
    expect(judgeCatalogue(CATALOGUE_VERSION, null, published + 30 * 24 * HOUR).state).toBe("ok");
    expect(judgeCatalogue(CATALOGUE_VERSION, null, published + 100 * 24 * HOUR)).toMatchObject({
      state: "warning",
      found: `${CATALOGUE_VERSION}, 100 days old`,
    });
    expect(judgeCatalogue("0.1.8.20261128-3f2a91c07d4e", null, NOW).found).toBe(
      "0.1.8.20261128-3f2a91c07d4e, 2 days old",
    );
    expect(judgeCatalogue("0.1.8", "not JSON", NOW)).toMatchObject({
      state: "warning",
      found: expect.stringContaining("not JSON"),
    });
  });

  it("is audited by a project's key if no database is given", async () => {
    const mismatch = { day: "2026-11-29", level: "day", label: "", measure: "requests", raw: "1", rollup: "2" };
    const audited = async (body: unknown) =>
      finding(LEDGER, "ledger.audit", { url: await serve(() => ({ body })), apiKey: "k" });
    expect(await audited({ ok: true, mismatches: [] })).toMatchObject({ state: "ok" });
    expect(await audited({ ok: false, mismatches: [mismatch] })).toMatchObject({
      state: "failed",
      found: "the key's project: on 2026-11-29 requests is 2 in day rows, and 1 by the calls",
    });
  });
});

describe("Redis", () => {
  const redis = async (replies: Record<string, unknown>) => ({
    redis: {
      url: await serve((_, sent) => {
        const [command = ""] = JSON.parse(sent) as string[];
        return command in replies
          ? { body: { result: replies[command] } }
          : { status: 400, body: { error: "ERR unknown" } };
      }),
      token: "t",
    },
  });
  const info = (used: number, most: number) => `# Memory\r\nused_memory:${used}\r\nmaxmemory:${most}\r\n`;

  it.each([
    ["noeviction", 10, 100, "ok"],
    ["noeviction", 95, 100, "warning"],
    ["allkeys-lru", 99, 100, "ok"],
  ])("%s with %i of %i bytes is %s", async (policy, used, most, state) => {
    const parts = await redis({ INFO: info(used, most), CONFIG: ["maxmemory-policy", policy] });
    expect(await finding(REDIS, "redis.eviction", parts)).toMatchObject({
      state,
      found: expect.stringContaining(policy),
    });
  });

  it("may tell nothing of that", async () => {
    expect(await finding(REDIS, "redis.eviction", await redis({}))).toMatchObject({ state: "skipped" });
  });

  it("refuses a wrong token in its own words", async () => {
    const url = await serve(() => ({ status: 401, body: { error: "WRONGPASS invalid token" } }));
    expect(await finding(REDIS, "redis.answers", { redis: { url, token: "t" } })).toMatchObject({
      state: "failed",
      found: "WRONGPASS invalid token",
    });
  });

  it("has a flag that nobody takes down where cron does not run", () => {
    expect(judgeFlag(null, NOW).state).toBe("ok");
    expect(judgeFlag(NOW - 30_000, NOW).state).toBe("ok");
    expect(judgeFlag(NOW - 10 * 60_000, NOW)).toMatchObject({ state: "failed", found: "up since 10 minutes" });
  });
});

describe("the configuration", () => {
  async function changed(change: (toml: string) => string, id: string, parts = {}): Promise<Finding> {
    const folder = await mkdtemp(join(tmpdir(), "doctor-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const toml = await readFile(resolve(import.meta.dirname, "../../wrangler.toml"), "utf8");
    await writeFile(join(folder, "wrangler.toml"), change(toml));
    return finding(CONFIGURATION, id, { folder, now: () => NOW, ...parts });
  }

  it.each([
    ["as it is", (toml: string) => toml, "ok", /cron "\* \* \* \* \*"/],
    ["broken", () => "name = ", "failed", /./],
    ["without cron", (toml: string) => toml.replace(/^crons = .*$/m, "crons = []"), "failed", /^no cron$/],
    [
      "with an hourly cron",
      (toml: string) => toml.replace(/^crons = .*$/m, 'crons = ["0 * * * *"]'),
      "warning",
      /0 \* \*/,
    ],
    ["without flag", (toml: string) => toml.replace(/^compatibility_flags.*$/m, ""), "failed", /nodejs_compat/],
    ["without date", (toml: string) => toml.replace(/^compatibility_date.*$/m, ""), "failed", /compatibility_date/],
    [
      "of 2020",
      (toml: string) => toml.replace(/^compatibility_date.*$/m, 'compatibility_date = "2020-01-01"'),
      "warning",
      /ago/,
    ],
  ])("%s", async (_, change, state, found) => {
    expect(await changed(change, "configuration.wrangler")).toMatchObject({
      state,
      found: expect.stringMatching(found),
    });
  });

  it("of queue mode binds the queue, and consumes its dead letters", async () => {
    const bindings = (change: (toml: string) => string) =>
      changed(change, "configuration.bindings", { environment: "queue" });
    expect(await bindings((toml) => toml)).toMatchObject({
      state: "ok",
      found: expect.stringContaining("llm-cost-dead-letters"),
    });
    expect(await bindings((toml) => toml.replaceAll('binding = "INGEST_QUEUE"', 'binding = "OTHER"'))).toMatchObject({
      state: "failed",
      found: expect.stringContaining("INGEST_QUEUE is not bound"),
    });
    expect(await bindings((toml) => toml.replaceAll(/^dead_letter_queue.*$/gm, ""))).toMatchObject({ state: "failed" });
  });

  it("names secrets that are not deployed, and how to set them", async () => {
    const listSecrets = async (): Promise<string[]> => [
      "UPSTASH_REDIS_REST_URL",
      "UPSTASH_REDIS_REST_TOKEN",
      "DATABASE_URL",
    ];
    expect(await finding(CONFIGURATION, "configuration.secrets", { listSecrets, environment: "queue" })).toMatchObject({
      state: "failed",
      found: "ADMIN_KEY missing",
      advice: "Set each: npx wrangler secret put ADMIN_KEY --env queue.",
    });
  });

  it("judges what is given by the Worker's own rules, without showing it", async () => {
    const given = await finding(CONFIGURATION, "configuration.environment", { adminKey: "too-short" });
    expect(given).toMatchObject({ state: "failed", found: "missing or malformed configuration: ADMIN_KEY" });
    expect(JSON.stringify(given)).not.toContain("too-short");
  });
});

describe("a run", () => {
  const check = (id: string, run: Check["run"], rest: Partial<Check> = {}): Check => ({ id, title: id, run, ...rest });

  it("ends in time whatever its checks do, and hides what they say of secrets", async () => {
    const checks = [
      check("a.hangs", () => new Promise(() => {}), { limitMs: 50 }),
      check("a.hangs_long", () => new Promise(() => {}), { limitMs: 60_000 }),
      check("a.throws", async () => {
        throw new Error("cannot log in with hidden-key", {
          cause: new Error("refused hidden%20password hidden password"),
        });
      }),
    ];
    const subject = subjectWith({
      adminKey: "hidden-key",
      database: { url: "postgres://u:hidden%20password@h/d" },
    });
    const beganMs = performance.now();
    const findings = await runChecks(checks, subject, 300);
    expect(performance.now() - beganMs).toBeLessThan(2_000);
    expect(findings.map(({ state, found }) => [state, found])).toEqual([
      ["failed", "no answer within 0.05 s"],
      ["failed", "no verdict within the 0.3 s of all checks"],
      ["failed", "refused *** ***"],
    ]);
  });

  it("prints words and advice, and no character that moves the cursor", () => {
    const findings: Finding[] = [
      { id: "worker.health", title: "/healthz", state: "ok", found: "200", advice: null },
      { id: "ledger.keys", title: "Keys", state: "warning", found: 'old "\u001b[2J"', advice: "Revoke them." },
      { id: "ledger.audit", title: "Audit", state: "failed", found: "off by 1", advice: "Repair it." },
    ];
    expect(asText(findings, { kind: "deployment", url: "https://x" }, 1.26)).toBe(
      [
        "The deployment at https://x",
        "Worker\n  ✓ ok       /healthz  200",
        'Ledger\n  ! warning  Keys      old "\\u{1b}[2J"\n               Revoke them.',
        "  ✗ failed   Audit     off by 1\n               Repair it.",
        "1 ok, 1 warning, 1 failed, in 1.3 s",
      ]
        .join("\n\n")
        .replace("Revoke them.\n\n", "Revoke them.\n"),
    );
    expect(JSON.parse(asJson(findings, { kind: "deployment", url: "https://x" }, NOW))).toMatchObject({
      ok: false,
      counts: { ok: 1, warning: 1, failed: 1, skipped: 0 },
      checks: findings,
    });
  });
});

describe("the command line", () => {
  it.each([
    [["--bogus"], "--bogus"],
    [["--url", "ftp://x"], "--url"],
    [["--url", "https://x", "--admin-key-env", "NOT_SET_ANYWHERE"], "The environment has no NOT_SET_ANYWHERE."],
    [["--admin-key-env", "lct_secret-value"], "the name of an environment variable"],
    [["--timeout", "0"], "--timeout"],
  ])("%j is wrong usage: exit code 2", async (args, sentence) => {
    const errors = vi.spyOn(console, "error").mockImplementation(() => {});
    onTestFinished(() => errors.mockRestore());
    expect(await main(args, {} as never)).toBe(2);
    expect(errors.mock.calls.flat().join("\n")).toContain(sentence);
  });

  it("takes a deployment's secrets from the environment alone", async () => {
    const env = {
      DATABASE_URL: "postgres://u:p@h/d",
      UPSTASH_REDIS_REST_URL: "https://r",
      UPSTASH_REDIS_REST_TOKEN: "t",
      OUR_KEY: "k",
    };
    const options = parseDoctorArgs(["--url", "https://x/", "--admin-key-env", "OUR_KEY"]);
    expect(await findSubject(options, env)).toMatchObject({
      kind: "deployment",
      url: "https://x",
      adminKey: "k",
      apiKey: null,
      database: { driver: "postgres", url: env.DATABASE_URL },
      replica: null,
      redis: { url: "https://r", token: "t" },
      listSecrets: null,
    });
    await expect(findSubject(options, { ...env, DATABASE_URL: "mysql://x" })).rejects.toThrow("DATABASE_URL must be");
    await expect(findSubject(parseDoctorArgs([]), { DATA_DIR: "/nowhere" })).rejects.toThrow("npm run dev");
  });
});
