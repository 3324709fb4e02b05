/** Suspects and verdicts over HTTP: sums follow each verdict, and a decided pair is found again. */
import { expect, it } from "vitest";
import { json, ledgerOf, newKey, openLedger, problem } from "./ledger.ts";

interface Double {
  id: string;
  calls: { id: string; counts: boolean }[];
  reason: string;
  cost_usd: string;
  verdict: string | null;
}

const RANGE = "from=2025-03-10&to=2025-03-11";

it("takes a verdict by the id of the pair, in either order, and reverses it", async () => {
  const reader = await openLedger();
  const ledger = ledgerOf(reader.projectId, await newKey(reader.projectId, ["admin"]));
  const call = { model: "gpt-4o", session_id: "s", input_tokens: 1_000, output_tokens: 0 };
  await ledger.write([
    { ...call, id: "a", timestamp: "2025-03-10T08:00:00Z" },
    { ...call, id: "b", timestamp: "2025-03-10T08:00:01Z" },
  ]);
  const list = async (more = ""): Promise<Double[]> =>
    (await json<{ doubles: Double[] }>(await ledger.fetch(`/v1/doubles?${RANGE}${more}`))).doubles;
  const say = (id: string, verdict: string) =>
    ledger.fetch(`/v1/doubles/${id}`, {
      method: "POST",
      headers: { authorization: `Bearer ${ledger.key}`, "content-type": "application/json" },
      body: JSON.stringify({ verdict }),
    });
  const cost = async () => (await ledger.summary(RANGE)).totals["cost_usd"];

  // 1,000 x $2.50/MTok = $0.0025 each
  const [pair] = await list();
  expect(pair).toMatchObject({ reason: "same_session", cost_usd: "0.0025", verdict: null });
  expect(await cost()).toBe("0.005");

  const [first, second] = pair!.id.split(".") as [string, string];
  const [same, again] = [await say(`${second}.${first}`, "same"), await say(pair!.id, "same")];
  const counted = { id: pair!.id, verdict: "same", counted: [first] };
  expect([await same.json(), await again.json()]).toEqual([counted, counted]);
  expect(await cost()).toBe("0.0025");
  expect(await list()).toEqual([]);
  const [decided] = await list("&verdict=same");
  expect(decided).toMatchObject({ id: pair!.id, verdict: "same", calls: [{ counts: true }, { counts: false }] });

  expect(await json(await say(decided!.id, "different"))).toMatchObject({ counted: [first, second] });
  expect(await cost()).toBe("0.005");
  expect([await list(), await list("&verdict=same")]).toEqual([[], []]);
  expect(await list("&verdict=different")).toMatchObject([{ id: pair!.id }]);
});

it("refuses what is no pair, and no verdict", async () => {
  const reader = await openLedger();
  const ledger = ledgerOf(reader.projectId, await newKey(reader.projectId, ["admin"]));
  const ids = [crypto.randomUUID(), crypto.randomUUID()];
  const say = (id: string, body: unknown, key = ledger.key) =>
    ledger.fetch(`/v1/doubles/${id}`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  for (const id of [ids.join("."), ids[0]!, `${ids[0]}.${ids[0]}`, "x"])
    await problem(await say(id, { verdict: "same" }), 404, "not_found");
  await problem(await say(ids.join("."), { verdict: "maybe" }), 400, "invalid_body");
  await problem(
    await say(ids.join("."), { verdict: "same" }, await newKey(ledger.projectId, ["read"])),
    403,
    "forbidden",
  );
  await problem(await ledger.fetch("/v1/doubles?verdict=maybe"), 400, "invalid_parameter");
});
