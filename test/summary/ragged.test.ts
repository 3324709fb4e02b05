import fc from "fast-check";
import { expect, it } from "vitest";
import type { Call } from "../../src/ledger/call.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { merge } from "../../src/rollup/merge.ts";
import { parseSummaryQuery } from "../../src/summary/query.ts";
import { summarize } from "../../src/summary/summarize.ts";
import { intervalStart, zoneOf } from "../../src/summary/zone.ts";
import { DAY_MS, HOUR_MS } from "../../src/time.ts";
import { database, newProject } from "../ledger.ts";
import { priced, trace } from "../calls.ts";

const START_MS = Date.UTC(2025, 8, 10);
const MODELS = ["gpt-4o", "gpt-4o-mini"];
/** In the last, days begin at a quarter past the hour. */
const ZONES = ["UTC", "Asia/Kolkata", "Asia/Kathmandu"];

it("is exact at ragged edges, whichever way they are read: sums, percentiles and buckets", async () => {
  const db = database();
  const project = await newProject(db);
  let seed = 7;
  const below = (n: number): number => (seed = (seed * 48_271) % 2_147_483_647) % n;
  const calls: Call[] = Array.from({ length: 2_000 }, (_, i) =>
    trace({
      clientId: `c${i}`,
      startedAtMs: START_MS + below(3 * DAY_MS),
      model: MODELS[below(2)]!,
      inputTokens: below(1_000),
      durationUs: below(10) === 0 ? null : 1_000 * (1 + below(40_000)),
      userId: `user-${below(3)}`,
    }),
  );
  const half = calls.map((call) => priced(call));
  await writeBatch(db, project, half.slice(0, 1_500));
  await merge(db, Date.now, Number.POSITIVE_INFINITY);
  await writeBatch(db, project, half.slice(1_500));

  const instants = fc.integer({ min: 0, max: 3 * DAY_MS });
  /** Often near the hour, on either side, and just after a day of Kathmandu has begun. */
  const edges = instants.chain((ms) =>
    fc.constantFrom(
      ms,
      Math.floor(ms / HOUR_MS) * HOUR_MS + 300_000,
      Math.ceil(ms / HOUR_MS) * HOUR_MS - 300_000,
      Math.floor(ms / DAY_MS) * DAY_MS + 18 * HOUR_MS + 17 * 60_000,
    ),
  );
  await fc.assert(
    fc.asyncProperty(
      edges,
      edges,
      fc.constantFrom("none" as const, "hour" as const, "day" as const),
      fc.constantFrom(...ZONES),
      fc.constantFrom("model", "user"),
      async (a, b, interval, tz, group) => {
        const [fromMs, toMs] = [START_MS + Math.min(a, b), START_MS + Math.max(a, b) + 1];
        const inRange = calls.filter(({ startedAtMs }) => startedAtMs >= fromMs && startedAtMs < toMs);
        const params = new URLSearchParams(
          `from=${fromMs}&to=${toMs}&interval=${interval}&tz=${tz}&group_by=${group}&include=latency`,
        );
        const { totals, rows } = await summarize(db, project, parseSummaryQuery(params, toMs), toMs);
        expect(totals.requests).toBe(inRange.length);
        expect(totals.input_tokens).toBe(inRange.reduce((sum, { inputTokens }) => sum + (inputTokens ?? 0), 0));
        const durations = inRange.flatMap(({ durationUs }) => (durationUs === null ? [] : [durationUs / 1_000]));
        durations.sort((a, b) => a - b);
        for (const [name, quantile] of [
          ["p50", 0.5],
          ["p99", 0.99],
          ["max", 1],
        ] as const) {
          const exact = durations[Math.floor(quantile * (durations.length - 1))] ?? 0;
          expect(Math.abs((totals.latency_ms?.[name] ?? 0) - exact)).toBeLessThanOrEqual(exact * 0.0101);
        }
        const keyOf = (startMs: number, value: unknown): string => `${startMs} ${String(value)}`;
        const counts = new Map<string, number>();
        for (const { startedAtMs, model, userId } of inRange) {
          const startMs = interval === "none" ? 0 : intervalStart(zoneOf(tz)!, interval, startedAtMs);
          const key = keyOf(startMs, group === "model" ? model : userId);
          counts.set(key, (counts.get(key) ?? 0) + 1);
        }
        const answered = rows.map((row): [string, number] => [
          keyOf(typeof row.bucket === "string" ? Date.parse(row.bucket) : 0, (row as Record<string, unknown>)[group]),
          row.requests,
        ]);
        expect(new Map(answered)).toEqual(counts);
      },
    ),
    { numRuns: 300 },
  );
});
