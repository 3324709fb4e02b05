/** `GET /v1/export`: everything that the list and the summary would show, as one download. */
import { parse } from "csv-parse/sync";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { type Database, DatabaseUnavailable, type Row as StoredRow, StatementTooLarge } from "../../src/db/client.ts";
import { createKeyring } from "../../src/keyring.ts";
import { usdToPico } from "../../src/money.ts";
import { merge } from "../../src/rollup/merge.ts";
import {
  appWith,
  call,
  DAY,
  db,
  description,
  HOUR,
  iso,
  type Item,
  json,
  type Ledger,
  ledgerOf,
  MONDAY,
  openLedger,
  problem,
  type SummaryRow,
  WEEK,
} from "./ledger.ts";

type Row = Record<string, string>;

/** Not by `text()`: the runtime warns that NDJSON is none. */
const bodyOf = async (response: Response): Promise<string> => new TextDecoder().decode(await response.arrayBuffer());
const text = async (ledger: Ledger, query: string): Promise<string> => {
  const response = await ledger.fetch(`/v1/export?${query}`);
  expect(response.status).toBe(200);
  return await bodyOf(response);
};
/** Each line is as the API's description says. */
const objects = (ndjson: string): Record<string, unknown>[] =>
  ndjson
    .split("\n")
    .slice(0, -1)
    .map((line, i) => {
      const object = JSON.parse(line) as Record<string, unknown>;
      if (i < 5) description.checkLine("export", object);
      return object;
    });
const rows = (csv: string): Row[] => parse(csv, { columns: true, record_delimiter: "\r\n" });

/** Calls of several days, models and users, some without a price, some not billed. */
const ITEMS: Item[] = Array.from({ length: 60 }, (_, i) => {
  const at = MONDAY + (i % 4) * DAY + (i % 5) * HOUR + 1_000 * i + 500;
  return call({
    timestamp: at,
    model: ["gpt-4o", "gpt-4o-mini", "nobody-knows"][i % 3],
    application: ["assistant", "=search", 'say "hi",\nthere'][i % 3],
    input_tokens: 1_000 + i,
    cache_read_tokens: 10 * i,
    output_tokens: 100,
    reasoning_tokens: 7,
    duration_ms: 10 * i,
    ...(i % 4 === 0 ? {} : { user_id: `u${i % 4}` }),
    ...(i % 5 === 0 ? { tags: { team: "-red", "a b": "ü" } } : {}),
    ...(i % 7 === 0 ? { status: "error" } : {}),
  });
});

/** All traces of a query, oldest first, from the list. */
async function listed(ledger: Ledger, query: string): Promise<Record<string, unknown>[]> {
  const traces: Record<string, unknown>[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const path: string = `/v1/traces?${query}&limit=25${cursor && `&cursor=${cursor}`}`;
    const page: { traces: Record<string, unknown>[]; next_cursor: string | null } = await json(
      await ledger.fetch(path),
    );
    traces.push(...page.traces);
    cursor = page.next_cursor;
  }
  return traces.reverse();
}

/** The same project through a database that is asked for small pages, counted, and may fail. */
function through(ledger: Ledger, changes: { maxRows?: number; fail?: (statement: number) => Error | undefined } = {}) {
  const seen = { statements: 0 };
  const watch = async (ask: () => Promise<StoredRow[][]>): Promise<StoredRow[][]> => {
    seen.statements++;
    const error = changes.fail?.(seen.statements);
    if (error) throw error;
    const answers = await ask();
    if (answers.flat().length > (changes.maxRows ?? Number.POSITIVE_INFINITY) + answers.length - 1)
      throw new StatementTooLarge("too large");
    return answers;
  };
  const watched: Database = {
    ...db,
    query: async (query) => (await watch(async () => [await db.query(query)]))[0]!,
    batch: (queries) => watch(() => db.batch(queries)),
  };
  return { seen, ledger: ledgerOf(ledger.projectId, ledger.key, appWith({ db: watched, keyring: createKeyring(db) })) };
}

let ledger: Ledger;
beforeAll(async () => {
  ledger = await openLedger();
  await ledger.write(ITEMS);
});

describe("traces", () => {
  it.each([
    "",
    "model=gpt-4o",
    "model=gpt-4o&model=nobody-knows&user=u1",
    "tag.team=-red",
    "status=error",
    "unpriced=true",
    "billable=all",
    "client_id=nobody",
  ])("are what the list shows, oldest first: %s", async (filter) => {
    const expected = await listed(ledger, `${WEEK}&${filter}`);
    expect(objects(await text(ledger, `${WEEK}&${filter}`))).toEqual(expected);
    const csv = rows(await text(ledger, `${WEEK}&${filter}&format=csv`));
    expect(csv.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
    if (filter === "") expect(expected).toHaveLength(ITEMS.length);
  });

  it("have a header and CRLF in CSV, tags as JSON, quoted, and no formula from callers", async () => {
    const csv = await text(ledger, `type=traces&format=csv&${WEEK}`);
    expect(csv.split("\r\n")[0]).toMatch(/^id,timestamp,received_at,.*,tags,input_tokens,.*,billable,rule$/);
    const expected = await listed(ledger, WEEK);
    for (const [i, row] of rows(csv).entries()) {
      const trace = expected[i]!;
      const application = String(trace["application"]);
      expect(row["application"]).toBe(application.startsWith("=") ? `'${application}` : application);
      expect(JSON.parse(row["tags"]!)).toEqual(trace["tags"]);
      expect(row["cost_usd"]).toBe(trace["cost_usd"] ?? "");
      expect(row["input_tokens"]).toBe(String(trace["input_tokens"]));
    }
  });

  it("come as a file of their type", async () => {
    const ndjson = await ledger.fetch(`/v1/export?${WEEK}`);
    expect(ndjson.headers.get("content-type")).toBe("application/x-ndjson");
    expect(ndjson.headers.get("content-disposition")).toBe(
      'attachment; filename="llm-costs_traces_2025-03-10_2025-03-17.ndjson"',
    );
    const csv = await ledger.fetch(`/v1/export?${WEEK}&format=csv`);
    expect(csv.headers.get("content-type")).toBe("text/csv; charset=utf-8");
    expect(csv.headers.get("content-disposition")).toContain("_2025-03-17.csv");
    expect(csv.headers.get("x-request-id")).not.toBeNull();
    await Promise.all([ndjson, csv].map(bodyOf));
  });

  it("go on after any line that was had", async () => {
    const whole = await text(ledger, WEEK);
    const lines = whole.split("\n").slice(0, -1);
    for (const had of [0, 1, 30, lines.length - 1, lines.length]) {
      const id =
        had === 0 ? "00000000-0000-0000-0000-000000000000" : (JSON.parse(lines[had - 1]!) as { id: string }).id;
      const rest = await text(ledger, `${WEEK}&cursor=${id}`);
      expect(
        lines
          .slice(0, had)
          .map((line) => `${line}\n`)
          .join("") + rest,
      ).toBe(whole);
    }
  });

  it("come page by page, smaller ones where the database's answer would be too large", async () => {
    const { ledger: paged, seen } = through(ledger, { maxRows: 9 });
    expect(await text(paged, WEEK)).toBe(await text(ledger, WEEK));
    expect(seen.statements).toBeGreaterThan(60 / 9);
  });

  it("are nobody else's", async () => {
    const other = await openLedger();
    expect(await text(other, WEEK)).toBe("");
    const [first] = objects(await text(ledger, WEEK));
    expect(await text(other, `${WEEK}&cursor=${String(first!["id"])}`)).toBe("");
    expect((await text(other, `${WEEK}&format=csv`)).split("\r\n")).toHaveLength(2);
    expect(rows(await text(other, `${WEEK}&type=summary&format=focus`))).toEqual([]);
  });
});

describe("a download that breaks", () => {
  const away = new DatabaseUnavailable("the database did not answer");

  it("does not: a page that fails is read again", async () => {
    const { ledger: flaky } = through(ledger, { maxRows: 20, fail: (n) => (n % 4 === 0 ? away : undefined) });
    expect(await text(flaky, WEEK)).toBe(await text(ledger, WEEK));
  });

  it("ends with an error, never as if it were complete, and is logged", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const { ledger: broken } = through(ledger, { maxRows: 20, fail: (n) => (n > 7 ? away : undefined) });
    const response = await broken.fetch(`/v1/export?${WEEK}`);
    expect(response.status).toBe(200);
    await expect(bodyOf(response)).rejects.toThrow();
    expect(String(log.mock.calls[0]?.[0])).toContain(response.headers.get("x-request-id"));
    log.mockRestore();
  });

  it("is 503 as long as nothing was sent", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const { ledger: down } = through(ledger, { fail: () => away });
    await problem(await down.fetch(`/v1/export?${WEEK}`), 503, "database_unavailable");
    vi.restoreAllMocks();
  });

  it("asks the database nothing more when the reader leaves, and reads one page ahead at most", async () => {
    const { ledger: paged, seen } = through(ledger, { maxRows: 2 });
    const response = await paged.fetch(`/v1/export?${WEEK}`);
    const reader = response.body!.getReader();
    await reader.read();
    const before = seen.statements;
    await reader.cancel();
    const after = seen.statements;
    await ledger.summary(WEEK);
    expect(seen.statements).toBe(after);
    expect(after - before).toBeLessThanOrEqual(2);
  });
});

describe("a summary", () => {
  const QUESTIONS = [
    "",
    "group_by=application,model",
    "group_by=user",
    "group_by=tag.team,model&interval=day",
    "group_by=model&interval=hour&tz=Asia/Kolkata",
    "group_by=user&interval=day&tz=Europe/Berlin&include=latency,rates,buckets",
    "interval=month&application=%3Dsearch",
    "user=u1&user=u2&group_by=model,user&interval=week&include=latency",
    `group_by=user,model&include=latency&from=${MONDAY + 90 * 60_000}&to=${MONDAY + 2 * DAY + 1_234_567}`,
  ];
  const ask = (question: string): string => (question.includes("from=") ? question : `${WEEK}&${question}`);
  const canonical = (all: readonly object[]): string[] => all.map((row) => JSON.stringify(row)).sort();
  const withoutCursor = ({ cursor, ...row }: Record<string, unknown>): object => {
    expect(cursor).toMatch(/^[\w-]+\.[0-9a-f]{16}$/);
    return row;
  };

  /** Exports leave out what is estimated. */
  const withoutEstimate = (row: Record<string, unknown>): object => {
    const { cache_savings_estimate_usd: _, ...exported } = row;
    return exported;
  };

  const expectRows = async (): Promise<void> => {
    for (const question of QUESTIONS) {
      const expected = (await ledger.summary(ask(question))).rows.map(withoutEstimate);
      const exported = objects(await text(ledger, `type=summary&${ask(question)}`));
      expect(canonical(exported.map(withoutCursor)), question).toEqual(canonical(expected));
    }
  };

  it("has the rows of the summary while the rollup is in partials", expectRows);

  it("and when they are merged", async () => {
    await merge(db, Date.now, Date.now() + 20_000);
    await expectRows();
  });

  it("is in the order of bucket and keys, the calls without the label first", async () => {
    const all = objects(await text(ledger, `type=summary&${WEEK}&group_by=model,user`));
    expect(all.map(({ model, user }) => [model, user])).toEqual(
      ["gpt-4o", "gpt-4o-mini", "nobody-knows"].flatMap((model) =>
        [null, "u1", "u2", "u3"].map((user) => [model, user]),
      ),
    );
  });

  it("has columns in CSV for all that a row may hold", async () => {
    const query = `type=summary&${WEEK}&group_by=application&interval=day&include=latency,buckets,rates`;
    const csv = rows(await text(ledger, `${query}&format=csv`));
    const expected = objects(await text(ledger, query)) as unknown as SummaryRow[];
    expect(csv).toHaveLength(expected.length);
    for (const [i, row] of csv.entries()) {
      const { bucket, application, cost_usd, latency_ms, buckets, cursor } = expected[i]!;
      expect(row).toMatchObject({ bucket, cursor, cost_usd: cost_usd ?? "" });
      expect(row["application"]).toBe(application === "=search" ? "'=search" : application);
      expect(row["latency_ms.p95"]).toBe(String(latency_ms!.p95));
      expect(row["buckets.cache_read.quantity"]).toBe(String(buckets!["cache_read"]?.quantity ?? ""));
      expect(row["buckets.web_search.cost_usd"]).toBe("");
    }
  });

  it.each(["ndjson", "csv", "focus"])("goes on after any line that was had: %s", async (format) => {
    const query = `type=summary&format=${format}&${WEEK}&group_by=model,user&interval=day`;
    const whole = await text(ledger, query);
    const end = format === "ndjson" ? "\n" : "\r\n";
    const lines = whole.split(end).slice(0, -1);
    const header = format === "ndjson" ? [] : [lines.shift()!];
    expect(lines.length).toBeGreaterThan(10);
    for (let had = 1; had <= lines.length; had += 5) {
      const last = lines[had - 1]!;
      const cursor =
        format === "ndjson" ? String(objects(`${last}\n`)[0]!["cursor"]) : last.slice(last.lastIndexOf(",") + 1);
      const rest = await text(ledger, `${query}&cursor=${cursor}`);
      expect(rest).toBe([...header, ...lines.slice(had)].map((line) => line + end).join(""));
    }
  });

  it("goes on in the range that it began with", async () => {
    const later = ledgerOf(ledger.projectId, ledger.key, appWith({ now: () => MONDAY + 30 * DAY }));
    const query = "type=summary&group_by=model&interval=day";
    const [first, ...rest] = objects(await text(later, query));
    const muchLater = ledgerOf(ledger.projectId, ledger.key, appWith({ now: () => MONDAY + 60 * DAY }));
    expect(objects(await text(muchLater, `${query}&cursor=${String(first!["cursor"])}`))).toEqual(rest);
  });

  it.each([
    "format=ndjson&group_by=model,user&interval=hour",
    "format=csv&group_by=tag.team,model&interval=day&tz=Asia/Kolkata",
    "format=ndjson&group_by=user,application&include=latency,buckets",
    "format=focus&group_by=model,user&interval=hour",
  ])("comes page by page, through every group and bucket: %s", async (question) => {
    const query = `type=summary&${WEEK}&${question}`;
    for (const maxRows of [1, 3]) {
      const { ledger: paged, seen } = through(ledger, { maxRows });
      expect(await text(paged, query)).toBe(await text(ledger, query));
      expect(seen.statements).toBeGreaterThan(12);
    }
  });

  it("has more rows than the summary answers, and every value of a label", async () => {
    const large = await openLedger();
    const users = 6_100;
    for (let from = 0; from < users; from += 3_050) {
      await large.write(
        Array.from({ length: 3_050 }, (_, i) =>
          call({ user_id: `user-${from + i}`, timestamp: MONDAY + (i % 2) * DAY }),
        ),
      );
    }
    const query = `type=summary&${WEEK}&group_by=user`;
    const exported = objects(await text(large, query));
    expect(new Set(exported.map(({ user }) => user)).size).toBe(users);
    // 6,100 x $0.0035
    expect(sum(exported.map(({ cost_usd }) => String(cost_usd)))).toBe(6_100n * 3_500_000_000n);
  });
});

function sum(usd: readonly string[]): bigint {
  return usd.reduce((total, amount) => total + usdToPico(amount)!, 0n);
}

describe("FOCUS-aligned rows", () => {
  it("add up to the summary, the traces and the audit, to the last digit", async () => {
    const { totals } = await ledger.summary(WEEK);
    const focus = rows(await text(ledger, `type=summary&format=focus&${WEEK}`));
    const priced = focus.filter((row) => row["x_Unpriced"] === "false");
    for (const column of ["BilledCost", "EffectiveCost", "ListCost", "ContractedCost"]) {
      expect(sum(priced.map((row) => row[column]!))).toBe(usdToPico(totals.cost_usd!));
    }
    const traces = objects(await text(ledger, WEEK));
    expect(sum(traces.flatMap(({ cost_usd }) => (cost_usd === null ? [] : [String(cost_usd)])))).toBe(
      usdToPico(totals.cost_usd!),
    );
    const audit = await json<{ ok: boolean; days: { raw: { cost_usd: string } }[] }>(
      await ledger.fetch(`/v1/audit?${WEEK}`),
    );
    expect(audit.ok).toBe(true);
    expect(sum(audit.days.map(({ raw }) => raw.cost_usd))).toBe(usdToPico(totals.cost_usd!));
    const tokens = focus.filter((row) => row["ConsumedUnit"] === "Tokens");
    expect(tokens.reduce((total, row) => total + Number(row["ConsumedQuantity"]), 0)).toBe(totals.total_tokens);
  });

  it("are one for each price bucket, with its unit price", async () => {
    const one = await openLedger();
    await one.write([
      call({ timestamp: MONDAY + 5 * HOUR, cache_read_tokens: 400, application: "=a", environment: "e" }),
    ]);
    const focus = rows(await text(one, `type=summary&format=focus&${WEEK}`));
    // 600 x $2.50, 400 x $1.25, 100 x $10 per MTok
    expect(
      focus.map((row) => [row["SkuId"], row["ConsumedQuantity"], row["ListUnitPrice"], row["BilledCost"]]),
    ).toEqual([
      ["openai/gpt-4o/input", "600", "0.0000025", "0.0015"],
      ["openai/gpt-4o/cache_read", "400", "0.00000125", "0.0005"],
      ["openai/gpt-4o/output", "100", "0.00001", "0.001"],
    ]);
    expect(focus[0]).toMatchObject({
      BillingCurrency: "USD",
      BillingAccountId: one.projectId,
      BillingPeriodStart: "2025-03-01T00:00:00Z",
      BillingPeriodEnd: "2025-04-01T00:00:00Z",
      ChargePeriodStart: "2025-03-10T00:00:00Z",
      ChargePeriodEnd: "2025-03-11T00:00:00Z",
      ChargeCategory: "Usage",
      ChargeDescription: "gpt-4o: input tokens",
      ConsumedUnit: "Tokens",
      PricingQuantity: "600",
      PricingUnit: "Tokens",
      ServiceCategory: "AI and Machine Learning",
      ProviderName: "openai",
      RegionId: "",
      x_Application: "'=a",
      x_Environment: "e",
      x_Operation: "chat",
      x_Unpriced: "false",
    });
  });

  it("tell what others say once for each group, as the other forms and the summary do", async () => {
    const said = await openLedger();
    await said.write([
      call({ timestamp: MONDAY, cost_usd: 0.004 }),
      call({ timestamp: MONDAY, cost_usd: "0.0000015" }),
      call({ timestamp: MONDAY }),
      call({ timestamp: MONDAY, model: "nobody-knows", cost_usd: 2 }),
      call({ timestamp: MONDAY, model: "gpt-4o-mini" }),
    ]);
    const focus = rows(await text(said, `type=summary&format=focus&${WEEK}&group_by=`));
    expect(focus.map((row) => [row["SkuId"], row["x_ReportedCost"], row["x_ReportedRequests"]])).toEqual([
      ["openai/gpt-4o/input", "0.0040015", "2"],
      ["openai/gpt-4o/output", "", ""],
      ["openai/gpt-4o-mini/input", "", ""],
      ["openai/gpt-4o-mini/output", "", ""],
      ["openai/nobody-knows/input", "2", "1"],
      ["openai/nobody-knows/output", "", ""],
      ["openai/nobody-knows/request", "", ""],
    ]);
    const csv = rows(await text(said, `type=summary&format=csv&${WEEK}&group_by=model`));
    const lines = objects(await text(said, `type=summary&${WEEK}&group_by=model`));
    const { rows: shown } = await said.summary(`${WEEK}&group_by=model&order=model`);
    const expected = [
      ["gpt-4o", "0.0040015", 2],
      ["gpt-4o-mini", null, 0],
      ["nobody-knows", "2", 1],
    ];
    const of = (row: Record<string, unknown>) => [row["model"], row["reported_cost_usd"], row["reported_requests"]];
    expect(lines.map(of)).toEqual(expected);
    expect(shown.map(of).sort()).toEqual(expected);
    expect(csv.map(of)).toEqual(expected.map((row) => row.map((value) => String(value ?? ""))));
  });

  it("tell what is unpriced apart, within a group too, with no cost at all", async () => {
    const mixed = await openLedger();
    await mixed.write([
      call({ timestamp: MONDAY, user_id: "ada" }),
      // A tier without a known multiplier, and an unknown usage; one of them is nobody's.
      call({ timestamp: MONDAY + 1, service_tier: "scale", cache_read_tokens: 300, user_id: "ada" }),
      call({ timestamp: MONDAY + 2, input_tokens: null, output_tokens: 5 }),
      call({ timestamp: MONDAY + 3 }),
    ]);
    const shown = async (query: string) =>
      rows(await text(mixed, `type=summary&format=focus&${WEEK}&${query}`)).map((row) =>
        [row["x_User"], row["SkuId"]!.split("/")[2], row["ConsumedQuantity"], row["BilledCost"], row["x_Unpriced"]]
          .filter((cell) => cell !== undefined)
          .join(" "),
      );
    const byUser = [
      " input 1000 0.0025 false",
      " output 100 0.001 false",
      " output 5  true",
      " request 1  true",
      "ada input 1000 0.0025 false",
      "ada input 700  true",
      "ada cache_read 300  true",
      "ada output 100 0.001 false",
      "ada output 100  true",
      "ada request 1  true",
    ];
    expect(await shown("group_by=user")).toEqual(byUser);
    await merge(db, Date.now, Date.now() + 20_000);
    expect(await shown("group_by=user")).toEqual(byUser);
    expect(await shown("")).toEqual([
      "input 2000 0.005 false",
      "input 700  true",
      "cache_read 300  true",
      "output 200 0.002 false",
      "output 105  true",
      "request 2  true",
    ]);
  });

  it("have fees by the call and by the search", async () => {
    const fees = await openLedger();
    await fees.write([
      call({ timestamp: MONDAY, provider: "perplexity", model: "sonar" }),
      call({ timestamp: MONDAY, provider: "anthropic", model: "claude-sonnet-4-5", web_searches: 3 }),
    ]);
    const focus = rows(await text(fees, `type=summary&format=focus&${WEEK}&group_by=&interval=hour`));
    // $12 and $10 per 1,000
    expect(
      focus
        .filter((row) => row["ConsumedUnit"] !== "Tokens")
        .map((row) => [row["ConsumedUnit"], row["ConsumedQuantity"], row["ListUnitPrice"], row["BilledCost"]]),
    ).toEqual([
      ["Searches", "3", "0.01", "0.03"],
      ["Requests", "1", "0.012", "0.012"],
    ]);
    expect(focus[0]).toMatchObject({
      ChargePeriodEnd: "2025-03-10T01:00:00Z",
      x_Application: "",
      x_Model: "claude-sonnet-4-5",
    });
  });
});

describe("a wrong question", () => {
  it.each([
    ["type=all", "type"],
    ["type=traces&type=summary", "type"],
    ["format=xlsx", "format"],
    ["format=focus", "format"],
    ["limit=10", "limit"],
    ["cursor=x", "cursor"],
    ["colour=red", "colour"],
    ["model=", "model"],
    ["group_by=model", "group_by"],
    ["type=summary&limit=10", "limit"],
    ["type=summary&order=cost_usd", "order"],
    ["type=summary&compare=previous", "compare"],
    ["type=summary&session_id=s", "session_id"],
    ["type=summary&format=focus&interval=week", "interval"],
    ["type=summary&format=focus&include=latency", "include"],
    ["type=summary&cursor=x", "cursor"],
    ["type=summary&cursor=", "cursor"],
    ["type=summary&cursor=%F0%9F%92%A9", "cursor"],
    ["type=summary&cursor=bnVsbA.0000000000000000", "cursor"],
    ["from=2025-03-11&to=2025-03-10", "from"],
  ])("is 400 that names what is wrong: %s", async (query, parameter) => {
    expect(await problem(await ledger.fetch(`/v1/export?${query}`), 400, "invalid_parameter")).toMatchObject({
      parameter,
    });
  });

  it("is a cursor that was tampered with, or is another question's or project's", async () => {
    const query = `type=summary&${WEEK}&group_by=model`;
    const [first] = objects(await text(ledger, query));
    const cursor = String(first!["cursor"]);
    const [payload, digest] = cursor.split(".") as [string, string];
    const forged = btoa(atob(payload).replace("gpt-4o", "gpt-3o")).replace(/=+$/, "");
    const refused = async (path: string, from = ledger): Promise<void> => {
      expect(await problem(await from.fetch(path), 400, "invalid_parameter")).toMatchObject({ parameter: "cursor" });
    };
    await refused(`/v1/export?${query}&cursor=${forged}.${digest}`);
    await refused(`/v1/export?${query}&cursor=${payload}.${digest.replace(/./, (c) => (c === "0" ? "1" : "0"))}`);
    await refused(`/v1/export?${query}&cursor=${cursor}x`);
    await refused(`/v1/export?${query}&cursor=${btoa(JSON.stringify([9e15, 0, 1e15, 0, []]))}.${digest}`);
    await refused(`/v1/export?${query},application&cursor=${cursor}`);
    await refused(`/v1/export?${query}&format=focus&cursor=${cursor}`);
    await refused(
      `/v1/export?type=summary&from=${iso(MONDAY + 1)}&to=${iso(MONDAY + DAY)}&group_by=model&cursor=${cursor}`,
    );
    await refused(`/v1/export?${query}&cursor=${cursor}`, await openLedger());
    expect((await ledger.fetch(`/v1/export?${query}&cursor=${cursor}`)).status).toBe(200);
  });

  it("needs the scope read", async () => {
    const response = await ledger.fetch("/v1/export", { headers: { authorization: "Bearer nobody" } });
    expect(response.status).toBe(401);
  });
});
