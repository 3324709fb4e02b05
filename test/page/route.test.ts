import { expect, it } from "vitest";
import { VIEWS } from "../../src/http/page.ts";
import { addressOf, PATHS, routeOf } from "../../src/page/route.ts";

it("knows the addresses that the Worker serves", () => {
  expect(Object.values(PATHS)).toEqual([...VIEWS]);
});

it.each([
  ["/", { view: "overview" }],
  ["/explore/", { view: "explore" }],
  ["/sessions/a%2Fb%20c", { view: "session", id: "a/b c" }],
  ["/calls", { view: "calls" }],
  ["/calls/a/b", null],
  ["/calls/%E0%A4%A", null],
  ["/nothing", null],
])("reads %s", (path, route) => {
  expect(routeOf(path)).toEqual(route);
});

it("writes addresses that it reads again, whatever is in them", () => {
  const id = "<img src=x>/?#%$&";
  const address = addressOf("session", { model: ["a&b", "=c"], tz: undefined, from: "" }, id);
  const url = new URL(address, "http://ledger");
  expect(routeOf(url.pathname)).toEqual({ view: "session", id });
  expect([...url.searchParams]).toEqual([
    ["model", "a&b"],
    ["model", "=c"],
  ]);
});
