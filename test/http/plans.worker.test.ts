/** Plans: kept as they are sent, and what their people used, to the last digit. */
import { sql } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { forProject } from "../../src/db/wall.ts";
import type { Plan } from "../../src/plans/plan.ts";
import type { PlanUse } from "../../src/plans/use.ts";
import { appWith, db, type Item, json, type Ledger, ledgerOf, newKey, openLedger, problem } from "./ledger.ts";

const NOW = Date.UTC(2025, 3, 10, 12);
const SEATS = { name: "Seats", seat_usd: "20", period: "month", from: "2025-01-31", users: ["grace", "ada"] };

/** With a key of scope `admin`, in April 2025. */
async function open(): Promise<Ledger> {
  const { projectId } = await openLedger();
  return ledgerOf(projectId, await newKey(projectId, ["admin"]), appWith({ now: () => NOW }));
}

async function send(ledger: Ledger, body: unknown, key?: string): Promise<Response> {
  const headers = { "content-type": "application/json", ...(key !== undefined && { "idempotency-key": key }) };
  return await ledger.fetch("/v1/plans", { method: "POST", headers, body: JSON.stringify(body) });
}

const add = async (ledger: Ledger, changes: object = {}): Promise<Plan> =>
  await json<Plan>(await send(ledger, { ...SEATS, ...changes }), 201);
const list = async (ledger: Ledger, query = ""): Promise<{ plans: Plan[]; next_cursor: string | null }> =>
  await json(await ledger.fetch(`/v1/plans${query}`));
const useOf = async (ledger: Ledger, { id }: Plan, from: string, to: string): Promise<PlanUse> =>
  await json(await ledger.fetch(`/v1/plans/${id}/use?from=${from}&to=${to}`));
const remove = async (ledger: Ledger, { id }: Plan): Promise<Response> =>
  await ledger.fetch(`/v1/plans/${id}`, { method: "DELETE" });

let calls = 0;
/** 1,000,000 input tokens of gpt-4o-mini cost $0.15. */
const call = (user: string, timestamp: string, changes: Item = {}): Item => ({
  id: `call-${++calls}`,
  timestamp,
  model: "gpt-4o-mini",
  provider: "openai",
  user_id: user,
  covered_by: "plan",
  input_tokens: 1_000_000,
  output_tokens: 0,
  ...changes,
});

describe("a plan", () => {
  it("is added, listed by its start, and deleted", async () => {
    const ledger = await open();
    const first = await add(ledger);
    expect(first).toEqual({
      id: expect.any(String),
      name: "Seats",
      seat_usd: "20",
      period: "month",
      from: "2025-01-31T00:00:00.000Z",
      to: null,
      seats: 2,
      users: ["ada", "grace"],
      created_at: expect.any(String),
    });
    const later = await add(ledger, { from: "2025-02-01T01:00:00+01:00", to: "2025-06-01", seat_usd: 0.000000000001 });
    expect(later).toMatchObject({ seat_usd: "0.000000000001", to: "2025-06-01T00:00:00.000Z" });
    expect(await list(ledger)).toEqual({ plans: [later, first], next_cursor: null });
    const { plans, next_cursor } = await list(ledger, "?limit=1");
    expect(plans).toEqual([later]);
    expect(await list(ledger, `?limit=1&cursor=${next_cursor}`)).toEqual({ plans: [first], next_cursor: null });
    expect((await remove(ledger, later)).status).toBe(204);
    await problem(await remove(ledger, later), 404, "not_found");
    await problem(await remove(ledger, { ...later, id: "x" }), 404, "not_found");
    expect((await list(ledger)).plans).toEqual([first]);
    const logged = await db.query(sql`
      select action, subject from admin_log where project_id = ${ledger.projectId}::uuid and action like 'plan.%' order by at`);
    expect(logged).toEqual([
      { action: "plan.created", subject: first.id },
      { action: "plan.created", subject: later.id },
      { action: "plan.deleted", subject: later.id },
    ]);
  });

  it("is added once for one Idempotency-Key", async () => {
    const ledger = await open();
    const [first, again] = await Promise.all([send(ledger, SEATS, "one"), send(ledger, SEATS, "one")]);
    expect(await json(first, 201)).toEqual(await json(again, 201));
    await problem(await send(ledger, { ...SEATS, seat_usd: "21" }, "one"), 422, "idempotency_mismatch");
    await problem(await send(ledger, { ...SEATS, users: ["ada", "eve"] }, "one"), 422, "idempotency_mismatch");
    expect((await list(ledger)).plans).toHaveLength(1);
  });

  it("is refused with the member that is wrong", async () => {
    const ledger = await open();
    const wrong: [string, object][] = [
      ["name", { name: "" }],
      ["name", { name: "x".repeat(101) }],
      ["seat_usd", { seat_usd: "-1" }],
      ["seat_usd", { seat_usd: "1e" }],
      ["seat_usd", { seat_usd: "0.0000000000001" }],
      ["seat_usd", { seat_usd: "1000000.1" }],
      ["period", { period: "week" }],
      ["from", { from: "2025-01-31T01:00:00Z" }],
      ["to", { to: "2025-01-31" }],
      ["to", { to: "soon" }],
      ["users", { users: [] }],
      ["users", { users: ["ada", "ada"] }],
      ["users.0", { users: [""] }],
      ["users", { users: Array.from({ length: 10_001 }, (_, i) => `user-${i}`) }],
      ["users", { users: Array.from({ length: 2_000 }, (_, i) => `${i}`.padStart(512, "x")) }],
      ["body", { color: "red" }],
    ];
    for (const [member, changes] of wrong) {
      const { detail } = await problem(await send(ledger, { ...SEATS, ...changes }), 400, "invalid_body");
      expect([changes, String(detail).split(":")[0]]).toEqual([changes, member]);
    }
    expect((await list(ledger)).plans).toEqual([]);
  });

  it("is changed by scope admin alone", async () => {
    const ledger = await open();
    const plan = await add(ledger);
    const reader = ledgerOf(ledger.projectId, await newKey(ledger.projectId, ["read", "ingest"]), appWith({}));
    await problem(await send(reader, SEATS), 403, "forbidden");
    await problem(await remove(reader, plan), 403, "forbidden");
    expect((await list(reader)).plans).toEqual([plan]);
  });

  it("is one of 1,000 at most", async () => {
    const ledger = await open();
    await add(ledger);
    await forProject(db, ledger.projectId).query(sql`
      insert into plans select project_id, gen_random_uuid(), name, seat_pico, period, starts_at, ends_at, users
      from plans, generate_series(2, 1000) where project_id = ${ledger.projectId}::uuid`);
    await problem(await send(ledger, SEATS), 409, "too_many_plans");
  });
});

describe("the use of a plan", () => {
  it("is each person's cost of what plans cover, beside the price of the seat", async () => {
    const ledger = await open();
    await ledger.write([
      // The first period ends with February, the second one on the 30th of March.
      call("ada", "2025-01-31T00:00:00Z", { input_tokens: 999_999 }),
      call("ada", "2025-02-27T23:59:59.999Z", { input_tokens: 2_000_000 }),
      call("ada", "2025-02-28T00:00:00Z", { input_tokens: 400_000_000 }),
      call("ada", "2025-03-01T10:00:00Z", { covered_by: "api" }),
      call("ada", "2025-03-01T11:00:00Z", { covered_by: "unknown" }),
      call("ada", "2025-01-30T23:59:59.999Z"),
      call("eve", "2025-03-01T10:00:00Z"),
      call("grace", "2025-04-01T10:00:00Z", { model: "nobody-knows-it" }),
    ]);
    const plan = await add(ledger);
    const { totals, periods, as_of, capped } = await useOf(ledger, plan, "2025-02-10", "2025-05-01");
    expect([as_of, capped]).toEqual([new Date(NOW).toISOString(), undefined]);
    expect(periods.map(({ from, to, open }) => [from.slice(0, 10), to.slice(0, 10), open])).toEqual([
      ["2025-01-31", "2025-02-28", false],
      ["2025-02-28", "2025-03-31", false],
      ["2025-03-31", "2025-04-30", true],
    ]);
    const nothing = { price_usd: "20", requests: 0, unpriced_requests: 0, cost_usd: "0", worth: "0" };
    // 2,999,999 x $0.15/MTok = $0.44999985, of $20: 0.0225 (0.0224999925).
    const ada = {
      user: "ada",
      price_usd: "20",
      requests: 2,
      unpriced_requests: 0,
      cost_usd: "0.44999985",
      worth: "0.0225",
    };
    expect(periods[0]).toMatchObject({ price_usd: "40", requests: 2, cost_usd: "0.44999985", worth: "0.0112" });
    expect(periods[0]).toMatchObject({ unused_seats: 1, unused_usd: "20" });
    expect(periods[0]!.people).toEqual([ada, { user: "grace", ...nothing }]);
    // 400 x $0.15 = $60: three times its price.
    expect(periods[1]!.people).toEqual([
      { ...ada, requests: 1, cost_usd: "60", worth: "3" },
      { user: "grace", ...nothing },
    ]);
    expect(periods[1]).toMatchObject({ cost_usd: "60", worth: "1.5", unused_seats: 1 });
    // A call without a price is no use of nothing.
    expect(periods[2]!.people).toEqual([
      { user: "grace", price_usd: "20", requests: 1, unpriced_requests: 1, cost_usd: null, worth: null },
      { user: "ada", ...nothing },
    ]);
    expect(totals).toEqual({
      price_usd: "120",
      requests: 4,
      unpriced_requests: 1,
      cost_usd: "60.44999985",
      worth: "0.5037",
      unused_seats: 3,
      unused_usd: "60",
    });
  });

  it("ends with the plan, whose last period is paid for as a whole, and costs nothing before it", async () => {
    const ledger = await open();
    const plan = await add(ledger, { period: "year", from: "2024-02-29", to: "2025-03-10", seat_usd: "0" });
    const { periods, totals } = await useOf(ledger, plan, "2020-01-01", "2026-01-01");
    expect(periods.map(({ from, to, open }) => [from.slice(0, 10), to.slice(0, 10), open])).toEqual([
      ["2024-02-29", "2025-02-28", false],
      ["2025-02-28", "2025-03-10", false],
    ]);
    expect(totals).toMatchObject({ price_usd: "0", cost_usd: "0", worth: null, unused_seats: 4, unused_usd: "0" });
    expect((await useOf(ledger, plan, "2020-01-01", "2024-02-29")).periods).toEqual([]);
    expect((await useOf(ledger, plan, "2025-03-10", "2026-01-01")).periods).toEqual([]);
    const future = await add(ledger, { from: "2025-04-11" });
    expect((await useOf(ledger, future, "2025-01-01", "2026-01-01")).periods).toEqual([]);
  });

  it("is refused if it has too many people, and of no plan", async () => {
    const ledger = await open();
    const users = Array.from({ length: 10_000 }, (_, i) => `user-${i}`);
    const plan = await add(ledger, { users });
    const asked = `/v1/plans/${plan.id}/use?from=2025-01-31`;
    await problem(await ledger.fetch(`${asked}&to=2025-04-01`), 400, "too_many_rows");
    const { periods } = await json<PlanUse>(await ledger.fetch(`${asked}&to=2025-03-01`));
    expect(periods.map(({ people }) => people.length)).toEqual([10_000, 10_000]);
    await problem(await ledger.fetch("/v1/plans/x/use"), 404, "not_found");
    await problem(await ledger.fetch(`/v1/plans/${crypto.randomUUID()}/use`), 404, "not_found");
  });
});
