import { expect, it } from "vitest";
import { appWith, DAY, iso, json, ledgerOf, MONDAY, newKey, openLedger } from "./ledger.ts";

interface Answer {
  members: { member: string; example: string }[];
}

it("lists the members of usage objects that no rule reads, with their emitters", async () => {
  const { projectId } = await openLedger();
  const fetch = appWith({});
  const ledger = ledgerOf(projectId, await newKey(projectId, ["ingest", "read"]), fetch);
  const of = (id: string, day: number, usage: object) => ({
    id,
    timestamp: iso(MONDAY + day * DAY),
    provider: "openai",
    model: "gpt-4o",
    usage: { prompt_tokens: 10, completion_tokens: 5, ...usage },
  });
  await ledger.write([
    of("first", 0, { vibes: 1 }),
    of("last", 9, { vibes: 2, details: { aura: 1 } }),
    of("known", 1, { total_tokens: 15 }),
    of("euros", 2, { cost: "free" }),
  ]);
  const entry = {
    id: "lite",
    startTime: MONDAY / 1_000,
    model: "gpt-4o",
    custom_llm_provider: "openai",
    metadata: { usage_object: { prompt_tokens: 10, completion_tokens: 5, vibes: 1 } },
  };
  expect((await ledger.post([entry], {}, "/v1/litellm")).status).toBeLessThan(300);

  const range = `from=${iso(MONDAY)}&to=${iso(MONDAY + 14 * DAY)}`;
  const ask = async (filter = ""): Promise<Answer["members"]> =>
    (await json<Answer>(await ledger.fetch(`/v1/prices/unknown-members?${range}${filter}`))).members;
  const members = await ask();
  const openai = { provider: "openai", example: expect.any(String) as string };
  const [first, ninth, second] = [0, 9, 2].map((day) => iso(MONDAY + day * DAY));
  expect(members).toEqual([
    { ...openai, member: "vibes", rule: "native", requests: 2, first_seen: first },
    { ...openai, member: "cost", rule: "native", requests: 1, first_seen: second },
    { ...openai, member: "details.aura", rule: "native", requests: 1, first_seen: ninth },
    { ...openai, member: "vibes", rule: "litellm", requests: 1, first_seen: first },
  ]);
  expect(await json(await ledger.fetch(`/v1/traces/${members[0]!.example}`))).toMatchObject({
    client_id: "last",
    unknown_usage_members: ["vibes", "details.aura"],
  });
  expect(await ask("&provider=azure")).toEqual([]);
});
