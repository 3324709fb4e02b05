import { beforeAll, expect, it } from "vitest";
import { call, DAY, HOUR, json, MONDAY, openLedger, problem, WEEK, type Item, type Ledger } from "./ledger.ts";

interface Session {
  session_id: string;
  [field: string]: unknown;
}

let ledger: Ledger;

const at = (session_id: string, offset: number, fields: Item = {}): Item =>
  call({ session_id, timestamp: MONDAY + offset, ...fields });

beforeAll(async () => {
  ledger = await openLedger();
  const calls = [
    at("s-1", 0, { user_id: "ann", application: "shop", cost_usd: 0.004 }),
    at("s-1", 3 * HOUR, { user_id: "bob", application: "shop", status: "error" }),
    at("s-2", HOUR, { model: "home-made", provider: "us" }),
    at("a/b c?", DAY),
    at("s-1", 30 * DAY),
    call({ timestamp: MONDAY }),
  ];
  expect(await ledger.write(calls)).toMatchObject({ inserted: 6, errors: [] });
});

const list = async (query = ""): Promise<{ sessions: Session[]; next_cursor: string | null }> =>
  json(await ledger.fetch(`/v1/sessions?${WEEK}${query}`));

it("adds up each session's calls of the range, the latest session first", async () => {
  const { sessions, next_cursor } = await list();
  expect(next_cursor).toBeNull();
  expect(sessions).toEqual([
    expect.objectContaining({ session_id: "a/b c?", requests: 1 }),
    {
      session_id: "s-1",
      first_at: "2025-03-10T00:00:00.000Z",
      last_at: "2025-03-10T03:00:00.000Z",
      requests: 2,
      errors: 1,
      input_tokens: 2_000,
      output_tokens: 200,
      total_tokens: 2_200,
      cost_usd: "0.007",
      plan_cost_usd: "0",
      reported_cost_usd: "0.004",
      unpriced_requests: 0,
      inexact_requests: 0,
      inexact_cost_usd: "0",
      users: ["ann", "bob"],
      applications: ["shop"],
      tags: {},
    },
    expect.objectContaining({ session_id: "s-2", cost_usd: null, reported_cost_usd: null, unpriced_requests: 1 }),
  ]);
});

it("gives pages that hold each session once", async () => {
  const seen: string[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const page = await list(`&limit=1${cursor && `&cursor=${cursor}`}`);
    seen.push(...page.sessions.map(({ session_id }) => session_id));
    cursor = page.next_cursor;
  }
  expect(seen).toEqual(["a/b c?", "s-1", "s-2"]);
});

it("takes the filters of traces", async () => {
  expect((await list("&user=bob")).sessions).toMatchObject([{ session_id: "s-1", requests: 1 }]);
});

it("shows one session with its calls", async () => {
  const session = await json<Session & { traces: unknown[] }>(await ledger.fetch(`/v1/sessions/s-1?${WEEK}&limit=1`));
  expect(session).toMatchObject({ requests: 2, cost_usd: "0.007", next_cursor: expect.any(String) });
  expect(session.traces).toMatchObject([{ session_id: "s-1", user_id: "bob", status: "error" }]);
  const odd = await ledger.fetch(`/v1/sessions/${encodeURIComponent("a/b c?")}?${WEEK}`);
  expect(await json(odd)).toMatchObject({ session_id: "a/b c?", requests: 1 });
});

it("knows no session of another project, of another time, or none", async () => {
  const other = await openLedger();
  await problem(await other.fetch(`/v1/sessions/s-1?${WEEK}`), 404, "not_found");
  await problem(await ledger.fetch("/v1/sessions/s-1?from=2025-01-01&to=2025-01-02"), 404, "not_found");
  expect((await list("&session_id=nope")).sessions).toEqual([]);
});

it("refuses what it does not know, by name", async () => {
  const { parameter } = await problem(await ledger.fetch("/v1/sessions?group_by=user"), 400, "invalid_parameter");
  expect(parameter).toBe("group_by");
});
