import { describe, expect, it } from "vitest";
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import worker from "../../src/index.ts";
import { call, json, type Ledger, ledgerOf, newKey, openLedger, problem, WEEK } from "./ledger.ts";

const RANGE = { from: "2025-03-10", to: "2025-03-17" };

async function adminOf(ledger: Ledger): Promise<Ledger> {
  return ledgerOf(ledger.projectId, await newKey(ledger.projectId, ["admin"]));
}

/** Through the Worker's own entry, so that what it leaves to `waitUntil` can be waited for. */
async function post(ledger: Ledger, path: string, body: unknown): Promise<Response> {
  const ctx = createExecutionContext();
  const request = new Request<unknown, IncomingRequestCfProperties>(`http://ledger${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${ledger.key}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const response = await worker.fetch(request, env, ctx);
  await waitOnExecutionContext(ctx);
  return response;
}

describe("a custom price", () => {
  it("heals the past: calls that had no price get it, what was recorded stays", async () => {
    const ledger = await openLedger();
    const admin = await adminOf(ledger);
    await ledger.write([
      call({ id: "a", provider: "acme", model: "acme-1", input_tokens: 1_000, output_tokens: 0 }),
      call({ id: "b", provider: "acme", model: "acme-1", output_tokens: undefined }),
    ]);
    expect((await ledger.summary(WEEK)).totals).toMatchObject({ cost_usd: null, unpriced_requests: 2 });
    expect(await json(await ledger.fetch(`/v1/prices/unpriced?${WEEK}`))).toMatchObject({
      models: [{ provider: "acme", model: "acme-1", unpriced_requests: 2 }],
    });
    const price = {
      provider: "acme",
      model: "acme-1",
      starts_at: "2020-01-01",
      usd_per_million_tokens: { input: "2", output: "8" },
    };
    const { healing } = await json<{ healing: { id: string } }>(await post(admin, "/v1/prices", price), 201);
    expect(healing).toMatchObject({ status: "running", models: ["acme-1"], unpriced_only: true });
    expect(await json(await ledger.fetch(`/v1/reprice/${healing.id}`))).toMatchObject({ status: "done", restated: 1 });
    // 1,000 x $2/MTok; the other call's usage is unknown, which no price heals
    expect((await ledger.summary(WEEK)).totals).toMatchObject({
      cost_usd: "0.002",
      recorded_cost_usd: null,
      unpriced_requests: 1,
    });
    expect(await json(await ledger.fetch(`/v1/audit?${WEEK}`))).toMatchObject({ ok: true });
  });

  it("that held between the first and the last unpriced call heals those between", async () => {
    const ledger = await openLedger();
    const admin = await adminOf(ledger);
    const of = { provider: "acme", model: "acme-2", input_tokens: 1_000, output_tokens: 0 };
    const days = ["2025-03-11", "2025-03-13", "2025-03-15"];
    await ledger.write(days.map((day) => call({ ...of, id: day, timestamp: `${day}T12:00:00Z` })));
    const price = { provider: "acme", model: "acme-2", usd_per_million_tokens: { input: "2" } };
    const held = { starts_at: "2025-03-12", ends_at: "2025-03-14" };
    expect((await post(admin, "/v1/prices", { ...price, ...held })).status).toBe(201);
    // 1,000 x $2/MTok
    expect((await ledger.summary(WEEK)).totals).toMatchObject({ cost_usd: "0.002", unpriced_requests: 2 });
  });
});

describe("POST /v1/reprice", () => {
  it("foretells by day and model, then restates as a job; the audit stays at 0", async () => {
    const ledger = await openLedger();
    const admin = await adminOf(ledger);
    const million = { provider: "openai", model: "gpt-4o", input_tokens: 1_000_000, output_tokens: 0 };
    await ledger.write([call({ id: "a", ...million }), call({ id: "b", ...million }), call({ id: "c" })]);
    const before = (await ledger.summary(`${WEEK}&model=gpt-4o`)).totals;
    // 2 x $2.50
    expect(before).toMatchObject({ cost_usd: expect.stringMatching(/^5/), recorded_cost_usd: before.cost_usd });
    const half = { provider: "openai", model: "gpt-4o", starts_at: "2020-01-01", factor: "0.5" };
    expect((await post(admin, "/v1/prices", half)).status).toBe(201);

    const foretold = await json<Record<string, unknown>>(
      await post(admin, "/v1/reprice", { ...RANGE, model: "gpt-4o" }),
    );
    expect(foretold).toMatchObject({ dry_run: true, complete: true });
    expect((await ledger.summary(`${WEEK}&model=gpt-4o`)).totals).toEqual(before);

    const asked = { ...RANGE, model: "gpt-4o", dry_run: false };
    const job = await json<{ id: string }>(await post(admin, "/v1/reprice", asked), 202);
    const done = await json<Record<string, unknown>>(await ledger.fetch(`/v1/reprice/${job.id}`));
    expect(done).toMatchObject({
      status: "done",
      looked: foretold["looked"],
      restated: foretold["restated"],
      difference_usd: foretold["difference_usd"],
    });
    expect(Number(foretold["difference_usd"])).toBeCloseTo(-Number(before.cost_usd) / 2, 9);
    const after = (await ledger.summary(`${WEEK}&model=gpt-4o`)).totals;
    expect(after.recorded_cost_usd).toBe(before.cost_usd);
    expect(Number(after.cost_usd)).toBeCloseTo(Number(before.cost_usd) / 2, 9);
    expect(await json(await ledger.fetch(`/v1/audit?${WEEK}`))).toMatchObject({ ok: true });
  });

  it("is for the admin scope, and names what is wrong", async () => {
    const ledger = await openLedger();
    const admin = await adminOf(ledger);
    await problem(await post(ledger, "/v1/reprice", RANGE), 403, "forbidden");
    await problem(await post(admin, "/v1/reprice", { ...RANGE, colour: "red" }), 400, "invalid_body");
    await problem(await post(admin, "/v1/reprice", { from: "2025-03-17", to: "2025-03-10" }), 400, "invalid_parameter");
    await problem(await ledger.fetch("/v1/reprice/00000000-0000-4000-8000-000000000000"), 404, "not_found");
  });

  it("opens one job for one Idempotency-Key; jobs are listed and can be cancelled", async () => {
    const ledger = await openLedger();
    const admin = await adminOf(ledger);
    await ledger.write([call({ id: "a" })]);
    const ask = async (key: string, body: object): Promise<Response> =>
      await admin.fetch("/v1/reprice", {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": key },
        body: JSON.stringify(body),
      });
    const asked = { ...RANGE, dry_run: false };
    const job = await json<{ id: string }>(await ask("one", asked), 202);
    expect((await json<{ id: string }>(await ask("one", asked), 202)).id).toBe(job.id);
    await problem(await ask("one", { ...asked, model: "gpt-4o" }), 422, "idempotency_mismatch");
    await problem(await ask("x".repeat(256), asked), 400, "invalid_parameter");
    const other = await json<{ id: string }>(await ask("two", asked), 202);
    const { jobs } = await json<{ jobs: { id: string }[] }>(await ledger.fetch("/v1/reprice"));
    expect(jobs.map(({ id }) => id)).toEqual([other.id, job.id]);
    const cancel = async (of: Ledger, id: string): Promise<Response> =>
      await of.fetch(`/v1/reprice/${id}`, { method: "DELETE" });
    expect(await json(await cancel(admin, other.id))).toMatchObject({ id: other.id });
    await problem(await cancel(ledger, other.id), 403, "forbidden");
    await problem(await cancel(await adminOf(await openLedger()), other.id), 404, "not_found");
  });
});
