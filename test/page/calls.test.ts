import { describe, expect, it } from "vitest";
import { addedTo, followed, reaches } from "../../src/page/calls/live.ts";
import {
  addressWith,
  isLive,
  listQuery,
  olderPage,
  PAGE,
  sumQuery,
  without,
  withOne,
  withoutFilters,
  wrongOf,
} from "../../src/page/calls/question.ts";
import { notCounted, reasonWords, stretchWords } from "../../src/page/calls/words.ts";
import { rangeOf } from "../../src/page/range.ts";
import { parseTracesQuery } from "../../src/traces/query.ts";
import { parseSummaryQuery } from "../../src/summary/query.ts";
import { queryString } from "../../src/page/query-string.ts";

const NOW = Date.parse("2026-11-30T12:34:56Z");
const CURSOR = "019ad000-0000-8000-8000-000000000000";
const asked = (text: string) => {
  const query = new URLSearchParams(text);
  const range = rangeOf(query, NOW, "30d");
  return { query, range, list: listQuery(query, range), sum: sumQuery(query, range) };
};

describe("the question of a list", () => {
  it("is what the address says, and the API takes it", () => {
    const { list } = asked(
      `from=2026-11-01&to=2026-11-02&tz=UTC&status=error&unpriced=true&billable=all&session_id=a&session_id=b&trace_id=t&client_id=c&model=m&user=u&tag.team=x&cursor=${CURSOR}&limit=7&live=1&group_by=model`,
    );
    expect(parseTracesQuery(new URLSearchParams(queryString(list)), NOW)).toEqual({
      fromMs: Date.parse("2026-11-01"),
      toMs: Date.parse("2026-11-02"),
      limit: 7,
      cursor: CURSOR,
      columns: { model: ["m"], trace_id: ["t"], session_id: ["a", "b"], client_id: ["c"], status: ["error"] },
      labels: [
        { name: "user", values: ["u"] },
        { name: "tag.team", values: ["x"] },
      ],
      unpricedOnly: true,
      all: true,
    });
    expect(asked("").list).toEqual({
      from: expect.any(String),
      to: "2026-11-30T13:00:00.000Z",
      tz: expect.any(String),
      limit: PAGE,
    });
  });

  it.each([
    ["cursor=1", "cursor"],
    [`cursor=${CURSOR}'`, "cursor"],
    ["limit=0", "limit"],
    ["limit=1001", "limit"],
    ["limit=5e1", "limit"],
    ["limit=-1", "limit"],
    ["status=broken", "status"],
    ["status=", "status"],
    ["unpriced=1", "unpriced"],
    ["billable=none", "billable"],
  ])("leaves out %s, and says so", (text, parameter) => {
    const { query, list } = asked(text);
    expect(wrongOf(query).map((wrong) => wrong.parameter)).toEqual([parameter]);
    expect(list).toEqual(asked("").list);
    expect(wrongOf(without(query, parameter))).toEqual([]);
  });

  it("says nothing of what is right", () => {
    expect(wrongOf(new URLSearchParams(`cursor=${CURSOR}&limit=1000&status=ok&unpriced=false&billable=true`))).toEqual(
      [],
    );
  });
});

describe("the question of the sum", () => {
  it("is of the same range and filters, where the summary knows them", () => {
    const { sum, list } = asked("model=a&model=b&user=u&unpriced=false&limit=3");
    expect(sum).toEqual({ from: list.from, to: list.to, tz: list.tz, model: ["a", "b"], user: ["u"] });
    expect(() => parseSummaryQuery(new URLSearchParams(queryString(sum!)), NOW)).not.toThrow();
  });

  it.each([
    "status=ok",
    "unpriced=true",
    "billable=all",
    "session_id=s",
    "trace_id=t",
    "client_id=c",
    "user=u&tag.a=b",
    "tag.a=b&tag.c=d",
  ])("is not asked for %s", (text) => expect(asked(text).sum).toBeNull());
});

describe("addresses of lists", () => {
  it("go on to an older page without following, and back to the newest one by any other change", () => {
    const query = new URLSearchParams("model=a&live=1");
    const older = olderPage(query, CURSOR);
    expect(older.toString()).toBe(`model=a&cursor=${CURSOR}`);
    expect(withOne(older, "status", "ok").toString()).toBe("model=a&status=ok");
    expect(withOne(withOne(older, "status", "ok"), "status", null).toString()).toBe("model=a");
    expect(addressWith("/calls", without(older, "model"))).toBe("/calls");
  });

  it("keep the range when filters are left out", () => {
    const query = new URLSearchParams("range=7d&tz=UTC&model=a&tag.x=y&status=ok&cursor=c&limit=9");
    expect(withoutFilters(query).toString()).toBe("range=7d&tz=UTC");
  });

  it("follow on the newest page only, and until the range is over", () => {
    const live = (text: string) => {
      const { query, range } = asked(text);
      return isLive(query, range, NOW);
    };
    expect(["live=1", "", "live=true", `live=1&cursor=${CURSOR}`, "live=1&to=2026-11-30T12:00:00Z"].map(live)).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});

describe("a list that follows", () => {
  const calls = (...ids: string[]) => ids.map((id) => ({ id }));

  it("puts new calls where their times put them, and forgets the oldest", () => {
    expect(followed(calls("5", "3", "2", "1"), calls("6", "5", "4", "3"), false, 5)).toEqual(
      calls("6", "5", "4", "3", "2"),
    );
  });

  it("drops what is gone as far as it looks, and keeps what is older", () => {
    expect(followed(calls("5", "4", "3", "2"), calls("5", "3"), false)).toEqual(calls("5", "3", "2"));
    expect(followed(calls("5", "4", "3", "2"), calls("5", "3"), true)).toEqual(calls("5", "3"));
    expect(followed(calls("5"), [], true)).toEqual([]);
  });

  it("takes what changed", () => {
    expect(followed([{ id: "1", cost: null }], [{ id: "1", cost: "2" }], true)).toEqual([{ id: "1", cost: "2" }]);
  });

  it("knows what came, and whether it looked far enough", () => {
    expect(addedTo(calls("2", "1"), calls("3", "2"))).toEqual(calls("3"));
    expect([reaches(calls("3"), new Set(["2"])), reaches(calls("3", "2"), new Set(["2"]))]).toEqual([false, true]);
    expect(reaches(calls("3"), new Set())).toBe(true);
  });
});

it("says why a call does not count, and why it has no price", () => {
  const rules = ["litellm cache_hit", "litellm; seen twice", "x; another span of the call counts", "langfuse span"];
  expect(rules.map(notCounted)).toEqual(["from a cache", "seen twice", "another span counts", "a span around calls"]);
  expect([reasonWords("model_unknown"), reasonWords(null)]).toEqual(["model unknown", "unknown"]);
});

it("says how long a session goes on", () => {
  const minute = 60_000;
  expect([812, 59 * minute, 429 * minute, 47 * 60 * minute, 74 * 60 * minute].map(stretchWords)).toEqual([
    "812 ms",
    "59 min 0 s",
    "7 h 9 min",
    "47 h 0 min",
    "3 d 2 h",
  ]);
});
