/** In queue mode on this machine, what was acknowledged is stored once, whatever ends meanwhile. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { freePort } from "../../scripts/local/listen.ts";
import { stallPostgres } from "../../scripts/load-test/stall.ts";
import { type DevStack, startDevStack } from "./dev-stack.ts";

const BATCHES = 10;
const CALLS = 50;

describe("queue mode of the dev stack", () => {
  let dataDir: string;
  let dev: DevStack;
  const start = async (env: NodeJS.ProcessEnv = { INGEST_MODE: "queue" }): Promise<void> => {
    dev = await startDevStack(dataDir, await freePort(), env);
  };

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "llm-cost-e2e-"));
    await start();
  });
  afterEach(async () => {
    await dev.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  /** Fails unless the batch is acknowledged. */
  async function send(batch: number): Promise<void> {
    const calls = Array.from({ length: CALLS }, (_, i) => ({
      id: `${batch}-${i}`,
      timestamp: new Date().toISOString(),
      model: "gpt-4o-mini",
      input_tokens: 1_000,
      output_tokens: 0,
    }));
    const response = await fetch(`${dev.url}/v1/traces`, {
      method: "POST",
      headers: { authorization: `Bearer ${dev.apiKey}`, "content-type": "application/json" },
      body: JSON.stringify(calls),
    });
    expect(await response.text()).toBe(`{"accepted":${CALLS},"rejected":0,"errors":[]}`);
  }

  async function totals(): Promise<unknown> {
    const response = await fetch(`${dev.url}/v1/summary`, { headers: { authorization: `Bearer ${dev.apiKey}` } });
    return ((await response.json()) as { totals: unknown }).totals;
  }

  async function sendWhilePostgresStandsStill(end: () => Promise<unknown>): Promise<void> {
    // The key and the prices are known then.
    await send(0);
    await expect.poll(totals, { timeout: 10_000 }).toMatchObject({ requests: CALLS });
    const resume = await stallPostgres(dev.databaseUrl);
    try {
      for (let batch = 1; batch < BATCHES; batch++) await send(batch);
      await end();
    } finally {
      resume();
    }
  }

  // 10 batches of 50 calls of 1,000 tokens at $0.15 per MTok.
  const ALL = { requests: BATCHES * CALLS, cost_usd: "0.075" };

  it("survives SIGKILL of all processes but Postgres; and SIGTERM stores what waits", async () => {
    await sendWhilePostgresStandsStill(() => dev.kill());
    await start();
    await expect.poll(totals, { timeout: 20_000 }).toMatchObject(ALL);
    await send(BATCHES);
    expect(await dev.stop()).toBe(0);
    await start({});
    expect(dev.output()).not.toContain("Queue");
    expect(await totals()).toMatchObject({ requests: (BATCHES + 1) * CALLS });
  });

  it("survives SIGTERM while Postgres stands still, and a start in direct mode tells what waits", async () => {
    let ended: Promise<number | null> = Promise.resolve(null);
    await sendWhilePostgresStandsStill(async () => {
      ended = dev.stop();
      // It waits 5 s for what is due, which is longer than a stop in direct mode may take.
      await new Promise((resolve) => setTimeout(resolve, 7_000));
    });
    expect(await ended).toBe(0);
    await start({});
    expect(dev.output()).toMatch(/Queue +off, but \d+ messages wait in it: INGEST_MODE=queue npm run dev stores them/);
    await dev.stop();
    await start();
    await expect.poll(totals, { timeout: 20_000 }).toMatchObject(ALL);
  });
});
