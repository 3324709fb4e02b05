/** `npm run db:explain` and `npm run db:report`: what they ask, and that they change nothing. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { explain, explainingDriver, type Explanation } from "../../scripts/db-explain/explain.ts";
import { parseExplainArgs } from "../../scripts/db-explain/options.ts";
import { parseReportArgs } from "../../scripts/db-report/options.ts";
import { reportText } from "../../scripts/db-report/text.ts";
import { databaseOver } from "../../src/db/client.ts";
import type { DatabaseReport } from "../../src/insight/report.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { priced, trace } from "../calls.ts";
import { newProject } from "../ledger.ts";
import { type OwnDatabase, ownDatabase } from "../own-database.ts";

const NOW = Date.UTC(2026, 10, 20, 12);
const RANGE = "from=2026-11-15&to=2026-11-16";

let own: OwnDatabase;
let projectId: string;
const closes: (() => Promise<void>)[] = [];

beforeAll(async () => {
  own = await ownDatabase(undefined, (close) => closes.push(close));
  projectId = await newProject(own.db);
  const calls = Array.from({ length: 20 }, (_, i) =>
    priced(trace({ clientId: `call-${i}`, startedAtMs: Date.UTC(2026, 10, 15, 10, i) })),
  );
  await writeBatch(own.db, projectId, calls, { links: [], graceSeconds: 300 });
});

afterAll(() => Promise.all(closes.map((close) => close())));

function explained(path: string, json = false): Promise<Explanation> {
  return explain({ databaseUrl: own.url, projectId, path, nowMs: NOW, json });
}

describe("db:explain", () => {
  it.each([
    [`/v1/summary?${RANGE}&group_by=model&interval=day`, /rollup/],
    [`/v1/summary?from=2026-11-15T00:20:00Z&to=2026-11-15T23:10:00Z&include=latency`, /traces_2026_11/],
    [`/v1/explain?${RANGE}&compare=previous`, /rollup/],
    [`/v1/traces?${RANGE}`, /traces_2026_11/],
    [`/v1/sessions?${RANGE}`, /traces/],
    [`/v1/export?${RANGE}&type=traces`, /traces_2026_11/],
    [`/v1/audit?${RANGE}`, /rollup/],
    [`/v1/prices/differences?${RANGE}`, /traces/],
    [`/v1/prices`, /custom_prices/],
    [`/v1/projects`, /projects/],
    [`/v1/admin/database`, /pg_stat_get|Function Scan/],
  ])("shows the plans behind %s", async (path, reads) => {
    const { status, statements, body } = await explained(path);
    expect(status, body).toBe(200);
    const plans = statements.map(({ plan }) => String(plan));
    expect(plans.some((plan) => reads.test(plan))).toBe(true);
    for (const plan of plans) expect(plan).toMatch(/actual (time|rows)=[\s\S]*Planning Time: [\s\S]*Execution Time: /);
  });

  it("answers as the API does, and runs with the values that were asked for", async () => {
    const { body, statements } = await explained(`/v1/summary?${RANGE}&model=gpt-4o`);
    expect(JSON.parse(body)).toMatchObject({ totals: { requests: 20 } });
    const all = await explained(`/v1/summary?${RANGE}&model=another`);
    expect(JSON.parse(all.body)).toMatchObject({ totals: { requests: 0 } });
    expect(all.statements.map(({ text }) => text)).toEqual(statements.map(({ text }) => text));
  });

  it("shows plans as JSON, too", async () => {
    const { statements } = await explained(`/v1/traces?${RANGE}`, true);
    expect(statements[0]!.plan).toMatchObject([
      { Plan: { "Node Type": expect.any(String) }, "Execution Time": expect.any(Number) },
    ]);
  });

  it("tells what the API refuses", async () => {
    expect(await explained("/v1/summary?from=x")).toMatchObject({ status: 400, statements: [] });
    expect(await explained("/v1/nowhere")).toMatchObject({ status: 404, statements: [] });
  });

  it.each([
    ["/v1/summary?group_by=model", "/v1/summary?group_by=model"],
    ["http://127.0.0.1:8787/v1/traces?limit=1", "/v1/traces?limit=1"],
  ])("takes %s", (given, path) => {
    expect(parseExplainArgs([given])).toMatchObject({ path, project: "00000000-0000-4000-8000-000000000000" });
  });

  it.each([[["/metrics"]], [["summary"]], [[]], [["/v1/summary", "--project", "x"]]])("refuses %j", (args) => {
    expect(() => parseExplainArgs(args)).toThrow();
  });
});

it("cannot write", async () => {
  const db = databaseOver(explainingDriver(own.url, [], false));
  const before = await own.db.query(sql`select count(*)::int as calls from traces`);
  await expect(db.query(sql`delete from traces`)).rejects.toThrow("the database did not answer");
  expect(await own.db.query(sql`select count(*)::int as calls from traces`)).toEqual(before);
});

describe("db:report", () => {
  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, ["scripts/db-report.ts", "--database", own.url, ...args]);

  it("prints what the route answers, or the same for people", async () => {
    const { stdout } = await run("--json", "--disk", "1MB");
    const report = JSON.parse(stdout) as DatabaseReport;
    expect(report.growth.disk_bytes).toBe(2 ** 20);
    const text = reportText(report);
    expect(text).toContain("critical disk_nearly_full: The database fills");
    expect(text).toMatch(/traces: 20 rows, 0 dead; rows .* 86 partitions|traces: \d+ rows/);
    expect(text).toContain("Not read:\n  statements: ");
  });

  it.each([
    ["500GB", 500 * 2 ** 30],
    ["1.5tb", 1.5 * 2 ** 40],
    ["1024", 1_024],
  ])("takes a disk of %s", (text, bytes) => {
    expect(parseReportArgs(["--disk", text]).diskBytes).toBe(bytes);
  });

  it.each(["0", "x", "5XB", "99999999TB", "-1"])("refuses a disk of %s", (text) => {
    expect(() => parseReportArgs(["--disk", text])).toThrow("--disk");
  });
});
