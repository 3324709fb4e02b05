import { sql } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { call, db, json, type Ledger, ledgerOf, newKey, openLedger, problem, WEEK } from "./ledger.ts";

const RANGE = { from: "2025-03-10", to: "2025-03-12" };

async function repair(ledger: Ledger, body: unknown): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return await ledger.fetch("/v1/repair", { method: "POST", headers, body: JSON.stringify(body) });
}

describe("POST /v1/repair", () => {
  it("puts back what rollups lost, tells it, and changes nothing the second time", async () => {
    const ledger = await openLedger();
    const admin = ledgerOf(ledger.projectId, await newKey(ledger.projectId, ["admin"]));
    await ledger.write([call(), call({ user_id: "ada" })]);
    await db.query(sql`delete from rollup where project_id = ${ledger.projectId}::uuid`);
    expect(await json(await ledger.fetch(`/v1/audit?${WEEK}`))).toMatchObject({ ok: false });
    const { changes, ...rest } = await json<{ changes: object[] }>(await repair(admin, RANGE));
    expect(rest).toEqual({ complete: true, next_from: null });
    // Both calls in the main rows and their three sets, one of them in the rows of users, for the hour and the day; no
    // users for the week.
    expect(changes).toHaveLength(5 + 5 + 4);
    expect(changes).toContainEqual({
      day: "2025-03-10",
      level: "day",
      label: "user",
      groups: 1,
      // 1,000 x $2.50/MTok + 100 x $10/MTok
      differences: expect.objectContaining({ requests: "1", input_tokens: "1000", cost_pico: "3500000000" }),
    });
    expect((await ledger.summary(WEEK)).totals).toMatchObject({ requests: 2, cost_usd: "0.007" });
    expect(await json(await ledger.fetch(`/v1/audit?${WEEK}`))).toMatchObject({ ok: true });
    expect(await json(await repair(admin, RANGE))).toEqual({ complete: true, next_from: null, changes: [] });
  });

  it("is for the admin scope, and names what is wrong", async () => {
    const ledger = await openLedger();
    const admin = ledgerOf(ledger.projectId, await newKey(ledger.projectId, ["admin"]));
    await problem(await repair(ledger, RANGE), 403, "forbidden");
    await problem(await repair(admin, { ...RANGE, tz: "UTC" }), 400, "invalid_body");
    await problem(await repair(admin, { from: "2025-03-12", to: "2025-03-10" }), 400, "invalid_parameter");
  });
});
