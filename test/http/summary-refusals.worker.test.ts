/** What a summary cannot be asked: 400 with the parameter's name, never a guess and never a 500. */
import { beforeAll, describe, expect, it } from "vitest";
import { call, json, MONDAY, openLedger, problem, WEEK, type Ledger } from "./ledger.ts";

let ledger: Ledger;

beforeAll(async () => {
  ledger = await openLedger();
});

it.each([
  ["unknown=1", "unknown"],
  ["groupby=model", "groupby"],
  ["GROUP_BY=model", "GROUP_BY"],
  ["project_id=00000000-0000-4000-8000-000000000000", "project_id"],
  ["service_tier=flex", "service_tier"],
  ["tag=x", "tag"],
  ["tag.=x", "tag."],
  [`tag.${"k".repeat(129)}=x`, `tag.${"k".repeat(129)}`],
  ["tag.a%00b=x", "tag.a\0b"],
  ["group_by=nothing", "group_by"],
  ["group_by=cost_usd", "group_by"],
  ["group_by=service_tier", "group_by"],
  ["group_by=model,", "group_by"],
  ["group_by=model,model", "group_by"],
  ["group_by=model&group_by=user", "group_by"],
  ["group_by=user,tag.team", "group_by"],
  ["group_by=tag.", "group_by"],
  ["group_by=tag.a%00b", "group_by"],
  [`group_by=${encodeURIComponent('x";drop')}`, "group_by"],
  [`group_by=${encodeURIComponent("model; drop table traces")}`, "group_by"],
  ["group_by=__proto__", "group_by"],
  ["group_by=constructor", "group_by"],
  ["group_by=user&tag.team=a", "group_by"],
  ["user=ann&tag.team=a", "tag.team"],
  ["interval=minute", "interval"],
  ["interval=", "interval"],
  ["interval=toString", "interval"],
  ["interval=day&interval=hour", "interval"],
  ["tz=Mars/Olympus", "tz"],
  ["tz=", "tz"],
  ["tz=Europe/Berlin%00", "tz"],
  ["tz=UTC&tz=UTC", "tz"],
  ["include=everything", "include"],
  ["from=2025-03-11&to=2025-03-10", "from"],
  ["from=2025-03-10&to=2025-03-10", "from"],
  ["from=yesterday", "from"],
  ["from=2025-02-29", "from"],
  ["from=2025-13-01", "from"],
  ["from=2025-03-10T00:00:00", "from"],
  ["from=-1", "from"],
  ["from=0", "from"],
  ["to=infinity", "to"],
  ["to=999999999999999", "to"],
  ["to=275760-09-13", "to"],
  ["to=", "to"],
  ["from=2025-03-10&from=2025-03-11", "from"],
  ["from=2000-01-01T00:10:00Z&to=2040-01-01T00:15:00Z&compare=previous", "compare"],
  ["model=", "model"],
  ["model=a%00b", "model"],
  [`model=${"m".repeat(513)}`, "model"],
])("%s is refused by name", async (query, parameter) => {
  const body = await problem(await ledger.fetch(`/v1/summary?${query}`), 400, "invalid_parameter");
  expect(body["parameter"]).toBe(parameter);
  expect(body.detail).toContain(parameter);
});

it.each(["group_by=user,tag.team", "group_by=user&tag.team=a", "user=ann&tag.team=a"])(
  "%s: says what goes with one label",
  async (query) => {
    const { detail } = await problem(await ledger.fetch(`/v1/summary?${query}`), 400, "invalid_parameter");
    expect(detail).toContain("one label");
    for (const allowed of ["application", "environment", "provider", "model", "operation"])
      expect(detail).toContain(allowed);
  },
);

it("takes a value that is not UTF-8 as any other", async () => {
  expect((await ledger.fetch("/v1/summary?model=%ff%fe")).status).toBe(200);
  expect((await ledger.fetch("/v1/summary?user=%ed%a0%80&group_by=user")).status).toBe(200);
});

it("takes the longest of what may be stored: a tag name of 128 characters, a value of 512", async () => {
  const [key, value] = ["k".repeat(128), "é".repeat(512)];
  await ledger.write([call({ tags: { [key]: value }, timestamp: MONDAY })]);
  const { rows } = await ledger.summary(`${WEEK}&group_by=tag.${key}&tag.${key}=${encodeURIComponent(value)}`);
  expect(rows).toMatchObject([{ [`tag.${key}`]: value, requests: 1 }]);
});

describe("too_many_rows", () => {
  it("refuses a range of more than 10,000 intervals, at once", async () => {
    const began = Date.now();
    for (const [query, coarser] of [
      ["from=2000-01-01&to=2099-12-31&interval=hour", "day"],
      ["from=2001-01-01&to=2099-12-31&interval=day&tz=Europe/Berlin", "week"],
    ]) {
      const refused = await problem(await ledger.fetch(`/v1/summary?${query}`), 400, "too_many_rows");
      expect(refused["parameter"]).toBe("interval");
      expect(refused.detail).toBe(`more than 10,000 intervals; ask for interval=${coarser} or a shorter range`);
    }
    expect(Date.now() - began).toBeLessThan(3_000);
  });

  it("refuses more than 10,000 groups, and takes 10,000", async () => {
    const crowd = await openLedger();
    const users = (from: number, to: number): unknown[] =>
      Array.from({ length: to - from }, (_, i) =>
        call({ user_id: `u${from + i}`, application: `a${from + i}`, timestamp: MONDAY }),
      );
    await json(await crowd.post(users(0, 5_000)));
    await json(await crowd.post(users(5_000, 10_000)));
    const { rows, totals } = await crowd.summary(`${WEEK}&group_by=user`);
    expect([rows.length, totals.requests, totals.cost_usd]).toEqual([10_000, 10_000, "35"]);
    await json(await crowd.post(users(10_000, 10_001)));
    const query = `${WEEK}&group_by=application&interval=week`;
    const refused = await problem(await crowd.fetch(`/v1/summary?${query}`), 400, "too_many_rows");
    expect(refused["parameter"]).toBe("group_by");
    expect(refused.detail).toBe("more than 10,000 rows; ask for interval=month, fewer groups or a shorter range");
    const limited = await crowd.summary(`${WEEK}&group_by=application&limit=10`);
    expect([limited.rows.length, limited.totals.requests]).toEqual([11, 10_001]);
    expect((await crowd.summary(WEEK)).totals.requests).toBe(10_001);
  });

  it("answers a century by month", async () => {
    expect((await ledger.fetch("/v1/summary?from=2000-01-01&to=2099-12-31&interval=month")).status).toBe(200);
  });
});
