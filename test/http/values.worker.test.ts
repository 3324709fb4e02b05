/** `GET /v1/values`: what it answers at once, and what it refuses. That it adds up is in test/summary/values.test.ts. */
import { beforeAll, expect, it } from "vitest";
import { call, json, type Ledger, openLedger, problem, WEEK } from "./ledger.ts";

interface Values {
  values: { value: string; requests: number; cost_usd: string | null }[];
  next_cursor: null;
}

let ledger: Ledger;

beforeAll(async () => {
  ledger = await openLedger();
  await ledger.write([
    call({ application: "shop", user_id: "Ann", tags: { team: "red", "a.b": "1" } }),
    call({ application: "shop", user_id: "ann", model: "home-made", provider: "us" }),
    call({ application: "<img onerror=1>", user_id: "100%", tags: { team: "blue" } }),
  ]);
});

const values = async (query: string): Promise<unknown[]> => {
  const body = await json<Values>(await ledger.fetch(`/v1/values?${WEEK}&${query}`));
  expect(body.next_cursor).toBeNull();
  return body.values.map(({ value, requests, cost_usd }) => [value, requests, cost_usd]);
};

it("names calls of a moment ago, $0.0035 each, and null for a model without a price", async () => {
  expect(await values("field=application")).toEqual([
    ["shop", 2, "0.0035"],
    ["<img onerror=1>", 1, "0.0035"],
  ]);
  expect(await values("field=model&application=shop")).toEqual([
    ["gpt-4o", 1, "0.0035"],
    ["home-made", 1, null],
  ]);
  expect(await values("field=tag")).toEqual([
    ["team", 2, "0.007"],
    ["a.b", 1, "0.0035"],
  ]);
  expect(await values("field=tag.a.b")).toEqual([["1", 1, "0.0035"]]);
  expect(await values("field=application&user=ann")).toEqual([["shop", 1, null]]);
});

it("looks for a text anywhere in a value, in upper and lower case, and takes no character for a pattern", async () => {
  expect(await values("field=user&prefix=NN")).toEqual([
    ["Ann", 1, "0.0035"],
    ["ann", 1, null],
  ]);
  expect(await values("field=user&prefix=%25")).toEqual([["100%", 1, "0.0035"]]);
  expect(await values("field=user&prefix=_")).toEqual([]);
});

it("leaves a filter by the field itself out", async () => {
  expect(await values("field=user&user=ann&limit=1")).toHaveLength(1);
  expect(await values("field=user&user=ann")).toHaveLength(3);
  expect(await values("field=application&application=shop")).toHaveLength(2);
  expect(await values("field=tag.team&tag.team=red")).toHaveLength(2);
  expect(await values("field=tag&tag.team=red")).toHaveLength(2);
});

it.each([
  ["field", ""],
  ["field", "field=session"],
  ["field", "field=tag."],
  ["field", "field=service_tier"],
  ["field", "field=user&tag.team=red"],
  ["field", "field=tag.team&user=ann"],
  ["field", "field=tag&user=ann"],
  ["limit", "field=user&limit=101"],
  ["prefix", "field=user&prefix="],
  ["from", "field=user&from=2025-03-18"],
  ["interval", "field=user&interval=day"],
])("names %s when it refuses %s", async (parameter, query) => {
  const asked = query.includes("from=") ? query.replace("from=", "to=2025-03-17&from=") : query;
  const answer = await ledger.fetch(`/v1/values?${asked}`);
  expect((await problem(answer, 400, "invalid_parameter"))["parameter"]).toBe(parameter);
});
