import { describe, expect, it } from "vitest";
import { connect } from "../../scripts/client/ledger.ts";
import { postTraces } from "../../scripts/client/post-traces.ts";
import { CommandError } from "../../scripts/command.ts";
import { startFakeLedger, type FakeLedger } from "./fake-ledger.ts";

const BODY = JSON.stringify([{ id: "a", timestamp: "2026-01-01T00:00:00Z", model: "gpt-4o" }]);

/** Waits of no time, remembered; the jitter at its middle. */
function post(ledger: FakeLedger) {
  const waits: number[] = [];
  const said: string[] = [];
  const answer = postTraces(connect({ url: ledger.url, key: "k" }), BODY, {
    onRetry: (sentence) => void said.push(sentence),
    sleep: async (ms) => void waits.push(ms),
    random: () => 0.5,
  });
  return { answer, waits, said };
}

describe("postTraces", () => {
  it.each([429, 502, 503, 504])("tries %i again, a little later each time", async (status) => {
    await using ledger = await startFakeLedger();
    ledger.fail = (request) => (request <= 3 ? { status } : undefined);
    const { answer, waits, said } = post(ledger);
    expect(await answer).toMatchObject({ accepted: 1, inserted: 1 });
    // Half of 500, 1000, 2000 ms, and half of the rest as jitter.
    expect(waits).toEqual([375, 750, 1500]);
    expect(said[0]).toContain(`answers ${status}; trying again in 0.4 s`);
  });

  it("waits at least as long as Retry-After says, up to a minute", async () => {
    await using ledger = await startFakeLedger();
    ledger.fail = (request) =>
      request <= 2 ? { status: 429, headers: { "retry-after": request === 1 ? "7" : "86400" } } : undefined;
    const { answer, waits } = post(ledger);
    await answer;
    // 7 s + a quarter of 500 ms; 60 s + a quarter of 1000 ms.
    expect(waits).toEqual([7_125, 60_250]);
  });

  it("sends again after a cut connection: what was stored counts as a duplicate", async () => {
    await using ledger = await startFakeLedger();
    ledger.fail = (request) => (request === 1 ? "cut" : undefined);
    const { answer, said } = post(ledger);
    expect(await answer).toMatchObject({ accepted: 1, inserted: 0, duplicates: 1 });
    expect(said[0]).toContain("cannot be reached");
  });

  it("gives up after eight attempts", async () => {
    await using ledger = await startFakeLedger();
    ledger.fail = () => ({ status: 503 });
    await expect(post(ledger).answer).rejects.toThrow("gave up after 8 attempts");
    expect(ledger.requests).toHaveLength(8);
  });

  it.each([
    [401, "does not know this key"],
    [403, 'needs the scope "ingest"'],
    [404, "gave 404: no such thing"],
    [413, "gave 413: no such thing"],
    [500, "gave 500: no such thing"],
  ])("stops at %i in a sentence", async (status, sentence) => {
    await using ledger = await startFakeLedger();
    ledger.fail = () => ({ status, body: { detail: "no such thing" } });
    const failure = await post(ledger).answer.catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CommandError);
    expect((failure as Error).message).toContain(sentence);
    expect(ledger.requests).toHaveLength(1);
  });

  it("takes a 400 that rejects every row for the account that it is", async () => {
    await using ledger = await startFakeLedger();
    const errors = [{ index: 0, code: "invalid", message: "model is required" }];
    const body = { code: "all_rejected", accepted: 0, inserted: 0, duplicates: 0, rejected: 1, errors };
    ledger.fail = () => ({ status: 400, body });
    expect(await post(ledger).answer).toMatchObject({ accepted: 0, rejected: 1, errors });
  });
});
