/** Whose a call is, over HTTP: what its reports know together, and which of its tags are summed up. */
import { expect, it } from "vitest";
import { call, json, openLedger, WEEK } from "./ledger.ts";

interface Told {
  rows: Record<string, unknown>[];
  totals: { requests: number };
  not_rolled_up?: Record<string, number>;
}

it("sums and lists a call by what two reports of it know", async () => {
  const ledger = await openLedger();
  // The first one has more counts that are priced, so it counts.
  const reports = [
    call({ id: "file", response_id: "msg_1", cache_read_tokens: 10, tags: { team: "red" } }),
    call({
      id: "gateway",
      response_id: "msg_1",
      user_id: "ada",
      session_id: "s",
      tags: { team: "blue", feature: "f" },
    }),
  ];
  for (const report of reports) await ledger.write([report]);
  const by = async (label: string): Promise<unknown[]> =>
    (await json<Told>(await ledger.fetch(`/v1/summary?${WEEK}&group_by=${label}`))).rows.map((row) => row[label]);
  expect([await by("user"), await by("tag.team"), await by("tag.feature")]).toEqual([["ada"], ["red"], ["f"]]);
  const listed = async (filter: string) =>
    (await json<{ traces: Record<string, unknown>[] }>(await ledger.fetch(`/v1/traces?${WEEK}&${filter}`))).traces;
  for (const filter of ["user=ada", "session_id=s", "tag.feature=f", "tag.team=red"])
    expect(await listed(filter)).toMatchObject([{ client_id: "file", user_id: "ada", session_id: "s" }]);
  expect(await listed("tag.team=blue")).toEqual([]);
  const gateway = (await listed("billable=all")).find(({ billable }) => billable === false);
  const [{ id }] = (await listed("")) as [{ id: string }];
  const receipt = await json(await ledger.fetch(`/v1/traces/${id}`));
  const from = gateway!["id"];
  expect(receipt).toMatchObject({
    tags: { team: "red", feature: "f" },
    filled: { user_id: from, session_id: from, "tags.feature": from },
  });
});

it("tells how many calls have a tag that is not summed up, of which the list of calls finds each", async () => {
  const ledger = await openLedger();
  const own = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`own_tag_${i}`, "x"]));
  const agent = { agent: "claude-code", effort: "high", team: "red", branch: "main" };
  await ledger.write([call({ tags: { ...own, ...agent } }), call({ tags: { branch: "main" } })]);
  const ask = async (query: string): Promise<Told> => await json(await ledger.fetch(`/v1/summary?${WEEK}&${query}`));
  // The caller's nine, then the team.
  expect(await ask("group_by=tag.team")).not.toHaveProperty("not_rolled_up");
  expect(await ask("tag.own_tag_8=x")).toMatchObject({ totals: { requests: 1 } });
  for (const [key, value] of [
    ["effort", "high"],
    ["agent", "claude-code"],
  ] as const) {
    const { rows, not_rolled_up } = await ask(`group_by=tag.${key}`);
    expect(rows.map((row) => row[`tag.${key}`])).toEqual(["(not rolled up)", null]);
    expect(not_rolled_up).toEqual({ [`tag.${key}`]: 1 });
    const { traces } = await json<{ traces: unknown[] }>(await ledger.fetch(`/v1/traces?${WEEK}&tag.${key}=${value}`));
    expect(traces).toHaveLength(1);
  }
  expect(await ask("tag.branch=main")).toMatchObject({ totals: { requests: 1 }, not_rolled_up: { "tag.branch": 1 } });
  const explained = async (tag: string) =>
    await json<Told & { after: { requests: number } }>(await ledger.fetch(`/v1/explain?${WEEK}&${tag}`));
  expect(await explained("tag.branch=main")).toMatchObject({
    after: { requests: 1 },
    not_rolled_up: { "tag.branch": 1 },
  });
  // No group is left beside the number.
  expect(await explained("tag.agent=claude-code")).toMatchObject({
    rows: [],
    after: { requests: 0 },
    not_rolled_up: { "tag.agent": 1 },
  });
  expect(await explained("tag.team=red")).not.toHaveProperty("not_rolled_up");
});
