/** `GET /v1/admin/state`: what the settings of the page show. */
import { expect, it } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { readState, type StateDeps } from "../../src/monitoring/state.ts";
import { createMergeSignal } from "../../src/rollup/signal.ts";
import { admin, appWith, config, db, json, problem, redis } from "./ledger.ts";

const NOW = Date.UTC(2026, 5, 1, 12);
const RUNS = {
  succeededMs: { run: NOW - 1_000, merge: NOW - 60_000 },
  mergedMs: NOW - 90_000,
  audit: { atMs: NOW - 3_600_000, days: 2, differencePico: "-1500000000" },
};

function depsWith(over: Partial<StateDeps> = {}): StateDeps {
  return {
    config: { rawRetentionDays: 90, hourRetentionDays: undefined, queue: null },
    db: { ...db, query: async () => [{ raw_since: new Date(NOW), hour_since: null }] },
    redis: { getMany: async () => ({ down: false, value: [null, JSON.stringify(RUNS)] }) },
    mergeSignal: { isUp: async () => true },
    ...over,
  };
}

it("tells retention, cron, lag and audit", async () => {
  expect(await readState(depsWith(), NOW)).toEqual({
    version: manifest.version,
    raw_retention_days: 90,
    hour_retention_days: null,
    ingest_mode: "direct",
    raw_since: "2026-06-01T12:00:00.000Z",
    hour_since: null,
    last_cron: { run: "2026-06-01T11:59:59.000Z", merge: "2026-06-01T11:59:00.000Z" },
    rollup_lag_seconds: 90,
    // -1,500,000,000 pico-USD = -$0.0015
    audit: { at: "2026-06-01T11:00:00.000Z", different_days: 2, difference_usd: "-0.0015" },
    snapshot_at: null,
  });
  const quiet = depsWith({ mergeSignal: { isUp: async () => false } });
  expect(await readState(quiet, NOW)).toMatchObject({ rollup_lag_seconds: 0 });
});

it("says null, not 0, of what Redis does not tell", async () => {
  const getMany = async () => ({ down: true }) as const;
  const down = depsWith({ redis: { getMany }, mergeSignal: createMergeSignal({ ...redis, getMany }) });
  expect(await readState(down, NOW)).toMatchObject({
    last_cron: {},
    rollup_lag_seconds: null,
    audit: null,
    snapshot_at: null,
  });
});

it("is asked for with the admin key, and is not cached", async () => {
  const response = await admin("GET", "/v1/admin/state");
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(await json(response)).toMatchObject({ version: "0.1.0", raw_retention_days: null });
  const kept = appWith({ config: { ...config, rawRetentionDays: 30, hourRetentionDays: 60 } });
  const state = await json(await admin("GET", "/v1/admin/state", undefined, kept));
  expect(state).toMatchObject({ raw_retention_days: 30, hour_retention_days: 60 });
  await problem(await admin("GET", "/v1/admin/state?x=1"), 400, "invalid_parameter");
});
