/** When a summary is about: half-open ranges exact to the millisecond, and calendar buckets of any zone. */
import { beforeAll, describe, expect, it } from "vitest";
import { merge } from "../../src/rollup/merge.ts";
import { appWith, call, DAY, db, HOUR, iso, ledgerOf, MONDAY, openLedger, type Ledger } from "./ledger.ts";

/** Bucket and requests of each row. */
async function buckets(ledger: Ledger, query: string): Promise<[unknown, number][]> {
  const { rows } = await ledger.summary(query);
  return rows.map(({ bucket, requests }) => [bucket, requests]);
}

describe("a range is half-open and exact to the millisecond", () => {
  const at = [
    MONDAY,
    MONDAY + 1,
    MONDAY + HOUR - 1,
    MONDAY + HOUR,
    MONDAY + HOUR + 1,
    MONDAY + DAY - 1,
    MONDAY + DAY,
    MONDAY + 2 * DAY + 90 * 60_000,
    MONDAY + 3 * DAY,
  ];
  let ledger: Ledger;

  beforeAll(async () => {
    ledger = await openLedger();
    await ledger.write(at.map((timestamp, i) => call({ timestamp, user_id: `u${i % 3}`, tags: { n: String(i) } })));
  });

  const ranges: [number, number][] = at.flatMap((from) =>
    [0, 1, HOUR, DAY, 2 * DAY, 3 * DAY + 1].map((length): [number, number] => [from - 1, from + length]),
  );

  async function expectExact(): Promise<void> {
    for (const [from, to] of ranges) {
      const inside = at.filter((ms) => ms >= from && ms < to);
      const range = `from=${from}&to=${to}`;
      expect((await ledger.summary(range)).totals.requests, `${iso(from)} to ${iso(to)}`).toBe(inside.length);
      const { rows } = await ledger.summary(`${range}&group_by=user&tz=Asia/Kolkata&interval=hour`);
      expect(rows.reduce((sum, { requests }) => sum + requests, 0)).toBe(inside.length);
    }
  }

  it("while the rollup is in partials", expectExact);

  it("and when they are merged into hours and days", async () => {
    await merge(db, Date.now, Date.now() + 20_000);
    await expectExact();
  });
});

describe("the forms of from and to", () => {
  let ledger: Ledger;

  beforeAll(async () => {
    ledger = await openLedger();
    await ledger.write([call({ timestamp: MONDAY + 12 * HOUR })]);
  });

  it.each([
    ["from=2025-03-10T12:00:00Z&to=2025-03-10T12:00:00.001Z", "2025-03-10T12:00:00.000Z", "2025-03-10T12:00:00.001Z"],
    [
      "from=2025-03-10T13:00:00%2B01:00&to=2025-03-11T00:00:00Z",
      "2025-03-10T12:00:00.000Z",
      "2025-03-11T00:00:00.000Z",
    ],
    [`from=${MONDAY + 12 * HOUR}&to=${MONDAY + 13 * HOUR}`, "2025-03-10T12:00:00.000Z", "2025-03-10T13:00:00.000Z"],
    ["from=2025-03-10&to=2025-03-11", "2025-03-10T00:00:00.000Z", "2025-03-11T00:00:00.000Z"],
    ["from=2025-03-10&to=2025-03-11&tz=Europe/Berlin", "2025-03-09T23:00:00.000Z", "2025-03-10T23:00:00.000Z"],
    ["from=2025-03-10&to=2025-03-11&tz=America/St_Johns", "2025-03-10T02:30:00.000Z", "2025-03-11T02:30:00.000Z"],
  ])("%s", async (query, from, to) => {
    expect(await ledger.summary(query)).toMatchObject({ from, to, totals: { requests: 1 } });
  });

  it("are the 30 days to the end of the current UTC hour unless told", async () => {
    const now = Date.UTC(2026, 2, 31, 12, 34, 56, 789);
    const late = ledgerOf(ledger.projectId, ledger.key, appWith({ now: () => now }));
    expect(await late.summary("")).toMatchObject({
      from: "2026-03-01T13:00:00.000Z",
      to: "2026-03-31T13:00:00.000Z",
      as_of: "2026-03-31T12:34:56.789Z",
      tz: "UTC",
      interval: "none",
    });
    expect(await late.summary("to=2025-03-15")).toMatchObject({
      from: "2025-02-13T00:00:00.000Z",
      totals: { requests: 1 },
    });
  });

  it("include what happened a moment ago by default", async () => {
    const fresh = await openLedger();
    await fresh.write([call({ timestamp: Date.now() })]);
    expect((await fresh.summary("")).totals.requests).toBe(1);
  });
});

describe("buckets", () => {
  let ledger: Ledger;

  beforeAll(async () => {
    ledger = await openLedger();
    const at = [
      // Berlin goes to summer time on 2025-03-30 at 01:00Z: that day has 23 hours.
      "2025-03-29T22:59:59.999Z",
      "2025-03-29T23:00:00Z",
      "2025-03-30T00:59:59.999Z",
      "2025-03-30T01:00:00Z",
      "2025-03-30T21:59:59.999Z",
      "2025-03-30T22:00:00Z",
      // And back on 2025-10-26 at 01:00Z: that day has 25, two of them at 02:00.
      "2025-10-25T22:00:00Z",
      "2025-10-26T00:30:00Z",
      "2025-10-26T01:30:00Z",
      "2025-10-26T22:59:59.999Z",
      "2025-10-26T23:00:00Z",
    ];
    await ledger.write(at.map((timestamp) => call({ timestamp })));
  });

  it("leave out empty ones, and are none without an interval", async () => {
    const range = "from=2025-03-01&to=2025-11-01";
    expect(await buckets(ledger, `${range}&interval=month`)).toEqual([
      ["2025-03-01T00:00:00Z", 6],
      ["2025-10-01T00:00:00Z", 5],
    ]);
    expect((await ledger.summary(range)).rows[0]).not.toHaveProperty("bucket");
  });

  it("are local days, of 23 and 25 hours where clocks change", async () => {
    const query = "tz=Europe/Berlin&interval=day&from=2025-03-29&to=2025-04-01";
    expect(await buckets(ledger, query)).toEqual([
      ["2025-03-29T00:00:00+01:00", 1],
      ["2025-03-30T00:00:00+01:00", 4],
      ["2025-03-31T00:00:00+02:00", 1],
    ]);
    expect(await buckets(ledger, "tz=Europe/Berlin&interval=day&from=2025-10-25&to=2025-10-28")).toEqual([
      ["2025-10-26T00:00:00+02:00", 4],
      ["2025-10-27T00:00:00+01:00", 1],
    ]);
  });

  it("are hours that exist, also the one that comes twice", async () => {
    expect(await buckets(ledger, "tz=Europe/Berlin&interval=hour&from=2025-03-30&to=2025-03-31")).toEqual([
      ["2025-03-30T00:00:00+01:00", 1],
      ["2025-03-30T01:00:00+01:00", 1],
      ["2025-03-30T03:00:00+02:00", 1],
      ["2025-03-30T23:00:00+02:00", 1],
    ]);
    expect(await buckets(ledger, "tz=Europe/Berlin&interval=hour&from=2025-10-26&to=2025-10-27")).toEqual([
      ["2025-10-26T00:00:00+02:00", 1],
      ["2025-10-26T02:00:00+02:00", 1],
      ["2025-10-26T02:00:00+01:00", 1],
      ["2025-10-26T23:00:00+01:00", 1],
    ]);
  });

  it.each([
    ["Asia/Kolkata", "2025-03-30T00:00:00+05:30", "2025-03-31T00:00:00+05:30"],
    ["America/St_Johns", "2025-03-29T00:00:00-02:30", "2025-03-30T00:00:00-02:30"],
    ["Asia/Kathmandu", "2025-03-30T00:00:00+05:45", "2025-03-31T00:00:00+05:45"],
  ])("split hours exactly in %s", async (tz, first, second) => {
    // The four calls up to 01:00Z fall on one local day, the two around 22:00Z on the next.
    expect(await buckets(ledger, `tz=${tz}&interval=day&from=2025-03-29&to=2025-04-01`)).toEqual([
      [first, 4],
      [second, 2],
    ]);
    const byHour = await buckets(ledger, `tz=${tz}&interval=hour&from=2025-03-29&to=2025-04-01`);
    expect(byHour.reduce((sum, [, requests]) => sum + requests, 0)).toBe(6);
    expect(byHour.every(([bucket]) => /T\d\d:00:00/.test(String(bucket)))).toBe(true);
  });

  it("are weeks from Monday", async () => {
    expect(await buckets(ledger, "interval=week&from=2025-03-01&to=2025-11-01")).toEqual([
      ["2025-03-24T00:00:00Z", 6],
      ["2025-10-20T00:00:00Z", 5],
    ]);
    expect(await buckets(ledger, "tz=Europe/Berlin&interval=week&from=2025-03-01&to=2025-11-01")).toEqual([
      ["2025-03-24T00:00:00+01:00", 5],
      ["2025-03-31T00:00:00+02:00", 1],
      ["2025-10-20T00:00:00+02:00", 4],
      ["2025-10-27T00:00:00+01:00", 1],
    ]);
  });

  it("are not cut by from: a bucket shows its own start, with only what lies in the range", async () => {
    const query = "interval=week&from=2025-03-30T01:00:00Z&to=2025-03-30T21:59:59.999Z";
    expect(await buckets(ledger, query)).toEqual([["2025-03-24T00:00:00Z", 1]]);
  });

  it("come with groups, in order of the bucket first", async () => {
    const { rows } = await ledger.summary("interval=month&group_by=model&from=2025-03-01&to=2025-11-01");
    expect(rows.map(({ bucket, model }) => [bucket, model])).toEqual([
      ["2025-03-01T00:00:00Z", "gpt-4o"],
      ["2025-10-01T00:00:00Z", "gpt-4o"],
    ]);
    expect(Object.keys(rows[0]!).slice(0, 2)).toEqual(["bucket", "model"]);
  });
});
