/**
 * The database writes the JSON of a call, and the Worker rewrites values in it. The text is what `JSON.stringify` makes
 * of the stored row, whatever its texts, numbers and times are.
 */
import { sql } from "drizzle-orm";
import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import type { Row } from "../../src/db/client.ts";
import { COUNT_NAMES, COUNT_FIELDS } from "../../src/ledger/call.ts";
import { callKey, keyRange } from "../../src/ledger/key.ts";
import { picoToUsd } from "../../src/money.ts";
import { parseTracesQuery } from "../../src/traces/query.ts";
import { listAsJson, readCall, readOldest } from "../../src/traces/read.ts";
import { asShown, TRACE_FIELDS } from "../../src/traces/shown.ts";
import { DAY_MS } from "../../src/time.ts";
import { database, newProject } from "../ledger.ts";

const db = database();
const MONDAY = Date.UTC(2025, 2, 10);
const N = 250;

/** Texts that look like the JSON around them, and characters that JSON escapes. */
const text = fc.oneof(
  fc.constantFrom(
    ',"tags":{"a": "b"}',
    '","cost_usd":1,"',
    "\\",
    '"',
    "a\u0001\u001f\b\f\n\r\t/\u007f\u2028é語😀",
    "__proto__",
    "{}",
    "null",
    "",
  ),
  fc.string({ unit: "grapheme", maxLength: 20 }).map((made) => made.replaceAll("\0", "")),
);
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { freq: 2 });
// Once V8 has read the key `\`, it takes other keys of one escaped character for it (V8 13.6).
const tagName = fc
  .oneof(fc.constantFrom("10", "9", "a", "__proto__", '},"input_tokens":', "input_tokens"), text)
  .filter((name) => name.length !== 1 || JSON.stringify(name).length === 3);
const pico = fc.oneof(
  fc.constantFrom(0n, 1n, 10n ** 12n, 15n * 10n ** 11n, 2n ** 63n - 1n),
  fc.bigInt({ min: 0n, max: 10n ** 14n }),
);
const call = fc.record({
  atUs: fc.integer({ min: 0, max: DAY_MS * 1_000 - 1 }),
  receivedUs: fc.constantFrom("", ".5", ".12", ".123", ".123999", ".000001", ".999999"),
  duration_us: maybe(fc.oneof(fc.constantFrom(0, 1, 10, 1_000, 366 * DAY_MS * 1_000), fc.nat())),
  ...Object.fromEntries(COUNT_FIELDS.map((field) => [COUNT_NAMES[field], maybe(fc.nat({ max: 2 ** 31 - 1 }))])),
  cost_pico: maybe(pico.map(String)),
  recorded_cost_pico: maybe(pico.map(String)),
  reported_cost_pico: maybe(pico.map(String)),
  cost_is: maybe(fc.constantFrom("exact", "lower_bound", "estimate")),
  billable: fc.boolean(),
  wrapper: fc.boolean(),
  nested: fc.boolean(),
  status: fc.constantFrom("ok", "error"),
  ...Object.fromEntries(["application", "environment", "operation", "provider"].map((name) => [name, text])),
  model: fc.constantFrom("gpt-4o", 'say "hi"'),
  ...Object.fromEntries(
    ["service_tier", "request_model", "request_provider", "span_id", "parent_id", "session_id"].map((name) => [
      name,
      maybe(text),
    ]),
  ),
  trace_id: fc.constantFrom(null, "t1", "t2"),
  user_id: fc.constantFrom(null, "ada", 'b"ob'),
  tags: maybe(fc.dictionary(tagName, text, { noNullPrototype: true })),
  error_type: maybe(text),
  unpriced_reason: maybe(text),
  unknown_usage_members: maybe(fc.array(text, { maxLength: 3 })),
  rule: fc.constantFrom("native", "litellm cache_hit", 'a "rule"'),
  usage_semantics: text,
  covered_by: fc.constantFrom(null, "plan", "unknown"),
});

let project: string;
/** As they are stored, newest first. */
let stored: Row[];

beforeAll(async () => {
  project = await newProject(db);
  const calls = fc.sample(call, { numRuns: N, seed: 18 }).map(({ atUs, receivedUs, ...columns }, i) => {
    const startedAtMs = MONDAY + Math.floor(atUs / 1_000);
    const started_at = `${new Date(startedAtMs).toISOString().slice(0, -1)}${String(atUs % 1_000).padStart(3, "0")}Z`;
    const received_at = `2025-03-11T01:02:03${receivedUs}Z`;
    const client_id = `"${i}"`;
    return { ...columns, project_id: project, id: callKey(startedAtMs, client_id), client_id, started_at, received_at };
  });
  await db.query(
    sql`insert into traces select * from jsonb_populate_recordset(null::traces, ${JSON.stringify(calls)}::jsonb)`,
  );
  stored = await db.query(sql`select * from traces where project_id = ${project}::uuid order by id desc`);
  expect(stored).toHaveLength(N);
});

/** Values that are not shown as they are stored. */
const SHOWN: Record<string, (row: Row) => unknown> = {
  timestamp: (row) => (row["started_at"] as Date).toISOString(),
  received_at: (row) => (row["received_at"] as Date).toISOString(),
  duration_ms: (row) => (row["duration_us"] === null ? null : Number(row["duration_us"]) / 1_000),
  covered_by: (row) => row["covered_by"] ?? "api",
  tags: (row) => row["tags"] ?? {},
  unknown_usage_members: (row) => row["unknown_usage_members"] ?? [],
  cost_is: (row) => (row["cost_pico"] === null ? null : row["cost_is"]),
  rule: (row) => {
    if (row["wrapper"]) return row["billable"] ? `${String(row["rule"])}; no call below` : row["rule"];
    if (row["nested"]) return `${String(row["rule"])}; another span of the call counts`;
    return row["billable"] || row["rule"] === "litellm cache_hit" ? row["rule"] : `${String(row["rule"])}; seen twice`;
  },
};

function shown(row: Row): Record<string, unknown> {
  return Object.fromEntries(
    TRACE_FIELDS.map(({ name }) => {
      const of = SHOWN[name];
      if (of) return [name, of(row)];
      if (!name.endsWith("_usd")) return [name, row[name]];
      const stored = row[name.replace("_usd", "_pico")];
      return [name, stored === null ? null : picoToUsd(BigInt(String(stored)))];
    }),
  );
}

it.each<[string, (row: Row) => unknown]>([
  ["billable=all", () => true],
  ["", ({ billable }) => billable],
  ["model=gpt-4o&billable=all", ({ model }) => model === "gpt-4o"],
  [
    "model=gpt-4o&model=x&status=error",
    ({ model, status, billable }) => billable && model === "gpt-4o" && status === "error",
  ],
  ["user=ada&user=b%22ob", ({ user_id, billable }) => billable && user_id !== null],
  ["tag.9=null&tag.a=%22&billable=all", ({ tags }) => has(tags, "9", "null") && has(tags, "a", '"')],
  ["tag.a=null&user=ada&billable=all", ({ tags, user_id }) => has(tags, "a", "null") && user_id === "ada"],
  ["unpriced=true", ({ cost_pico, billable }) => billable && cost_pico === null],
  ["trace_id=t1&covered_by=api", ({ trace_id, covered_by, billable }) => billable && trace_id === "t1" && !covered_by],
])("lists calls as JSON, in pages: %s", async (filters, matches) => {
  const expected = stored.filter(matches).map(shown);
  const limit = 40;
  const seen: string[] = [];
  for (let [cursor, at]: [string | null, number] = [null, 0]; ; at += limit) {
    const asked = `from=2025-03-10&to=2025-03-11&limit=${limit}&${filters}${cursor === null ? "" : `&cursor=${cursor}`}`;
    const page = await listAsJson(db, project, parseTracesQuery(new URLSearchParams(asked), MONDAY));
    const traces = expected.slice(at, at + limit);
    const next_cursor = at + limit < expected.length ? String(traces.at(-1)!["id"]) : null;
    expect(page).toBe(JSON.stringify({ traces, next_cursor }));
    seen.push(page);
    cursor = next_cursor;
    if (cursor === null) break;
  }
  expect(seen).toHaveLength(Math.max(1, Math.ceil(expected.length / limit)));
});

function has(tags: unknown, name: string, value: string): boolean {
  const own = tags as Record<string, string> | null;
  return own !== null && Object.hasOwn(own, name) && own[name] === value;
}

it("exports the same, oldest first", async () => {
  const query = parseTracesQuery(new URLSearchParams("from=2025-03-10&to=2025-03-11&billable=all"), MONDAY);
  const [after, before] = keyRange(MONDAY, MONDAY + DAY_MS);
  const lines = await readOldest(db, project, query, { after, before }, N);
  expect(lines.map(({ json }) => json)).toEqual(stored.map((row) => JSON.stringify(shown(row))).toReversed());
});

it("shows the same beside a receipt", async () => {
  for (const row of stored.slice(0, 25)) {
    const { receipt, counted_as, reports, filled, ...fields } = (await readCall(db, project, String(row["id"])))!;
    expect(JSON.stringify(fields)).toBe(JSON.stringify(shown(row)));
    expect([receipt.total_usd, receipt.usage_semantics, counted_as, reports.length, filled]).toEqual([
      fields["cost_usd"],
      row["usage_semantics"],
      null,
      1,
      {},
    ]);
  }
});

it("reads times of any zone of the session", () => {
  const row = { id: "x", timestamp: "2025-03-10T02:00:00.5+02:00", received_at: "2025-03-09T14:30:00.123999-09:30" };
  const rest = Object.fromEntries(TRACE_FIELDS.map(({ name }) => [name, name === "tags" ? {} : null]));
  expect(JSON.parse(asShown(JSON.stringify({ ...rest, ...row })))).toMatchObject({
    timestamp: "2025-03-10T00:00:00.500Z",
    received_at: "2025-03-10T00:00:00.123Z",
  });
});
