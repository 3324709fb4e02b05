import { describe, expect, it } from "vitest";
import { routeOf } from "../../src/page/route.ts";
import { cumulative, isPathSafe, sessionAddress, sessionIdOf } from "../../src/page/session/session.ts";

describe("the address of a session", () => {
  it.each([
    "plain",
    "a/b c",
    "50%",
    "%2F",
    "..",
    ".",
    "-",
    "\u202e\u05e9",
    "a".repeat(500),
    "?x=1&session_id=y#z",
    "/",
  ])("leads to it, as a browser reads it: %s", (id) => {
    for (const address of [sessionAddress(id), sessionAddress(id, 0)]) {
      const url = new URL(address, "http://ledger");
      const route = routeOf(url.pathname);
      expect(route?.view).toBe("session");
      expect(sessionIdOf(route!.id!, url.searchParams)).toBe(id);
    }
  });

  it("has the time around a call", () => {
    expect(sessionAddress("s", Date.UTC(2026, 10, 16))).toBe(
      "/sessions/s?from=2026-11-01T00%3A00%3A00.000Z&to=2026-12-01T00%3A00%3A00.000Z",
    );
  });

  it("is no folder", () => {
    expect(["", ".", "..", "...", "a"].map(isPathSafe)).toEqual([false, false, false, true, true]);
  });
});

describe("the cost so far", () => {
  it("is known before older calls are there: 10 in all, 3 and then 2 came last", () => {
    expect(cumulative([{ cost_usd: "3" }, { cost_usd: null }, { cost_usd: "2" }], "10")).toEqual(["10", "7", "7"]);
  });

  it("is that of the first call at the first call", () => {
    expect(cumulative([{ cost_usd: "0.2" }, { cost_usd: "0.1" }], "0.3")).toEqual(["0.3", "0.1"]);
  });

  it("is unknown where no call has a price", () => {
    expect(cumulative([{ cost_usd: null }], null)).toEqual([null]);
  });
});
