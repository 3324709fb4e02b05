import { DAY_MS } from "../../src/time.ts";
import { describe, expect, it } from "vitest";
import { traffic, type NativeTrace } from "../../scripts/demo/traffic.ts";
import { decodeNative } from "../../src/ingest/decode/native.ts";
import { createPricer } from "../../src/pricing/cost.ts";

/** A Sunday's end, so that 70% of the period falls on a Saturday. */
const endMs = Date.UTC(2026, 6, 20);
const options = { days: 30, traces: 20_000, seed: 1, endMs };
const calls = [...traffic(options)];

function count(test: (call: NativeTrace) => boolean): number {
  return calls.filter(test).length;
}

describe("traffic", () => {
  it("is the same for the same arguments, and other for another seed", () => {
    expect([...traffic(options)]).toEqual(calls);
    const ids = new Set(calls.map(({ id }) => id));
    for (const { id } of traffic({ ...options, seed: 2 })) expect(ids.has(id)).toBe(false);
  });

  it("has as many calls as asked for, each with its own id, in the order of time, within the period", () => {
    expect(calls).toHaveLength(20_000);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(20_000);
    const times = calls.map(({ timestamp }) => Date.parse(timestamp));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times[0]).toBeGreaterThanOrEqual(endMs - 30 * DAY_MS);
    expect(times.at(-1)).toBeLessThan(endMs);
    expect([...traffic({ ...options, days: 1, traces: 3 })]).toHaveLength(3);
  });

  it("is accepted by the ledger, and priced but for the one model that nobody knows", () => {
    const decoded = decodeNative(calls, endMs);
    expect(decoded.errors).toEqual([]);
    const pricer = createPricer();
    const unpriced = decoded.calls.filter((trace) => pricer.costOf(trace).costPico === null);
    expect(new Set(unpriced.map(({ model }) => model))).toEqual(new Set(["nordlicht-support-lora"]));
    expect(unpriced.length / calls.length).toBeGreaterThan(0.002);
    expect(unpriced.length / calls.length).toBeLessThan(0.01);
  });

  it("shows every kind of token, tier and outcome", () => {
    expect(new Set(calls.map(({ provider }) => provider)).size).toBeGreaterThanOrEqual(5);
    expect(new Set(calls.map(({ application }) => application)).size).toBe(6);
    expect(new Set(calls.map(({ environment }) => environment))).toEqual(new Set(["production", "staging"]));
    expect(new Set(calls.map(({ service_tier }) => service_tier))).toEqual(new Set([undefined, "flex"]));
    for (const kind of [
      "cache_read_tokens",
      "cache_write_5m_tokens",
      "cache_write_1h_tokens",
      "reasoning_tokens",
      "input_audio_tokens",
      "output_audio_tokens",
    ] as const) {
      expect(count((call) => (call[kind] ?? 0) > 0)).toBeGreaterThan(0);
    }
    expect(count(({ status, error_type }) => status === "error" && error_type !== undefined)).toBeGreaterThan(100);
  });

  it("follows the week and the day", () => {
    const office = (call: NativeTrace) => call.application === "code-review";
    const onWeekend = (call: NativeTrace) => new Date(call.timestamp).getUTCDay() % 6 === 0;
    // 10 of 30 days lie on a weekend, when this application has an eighth of its traffic: 1.2 of 21.2 parts.
    expect(count((call) => office(call) && onWeekend(call)) / count(office)).toBeLessThan(0.12);
    const atNight = (call: NativeTrace) => new Date(call.timestamp).getUTCHours() < 6;
    expect(count((call) => office(call) && atNight(call)) / count(office)).toBeLessThan(0.05);
  });

  it("is a power law of users", () => {
    const byUser = new Map<string, number>();
    for (const { user_id, application } of calls) {
      if (application === "support-assistant") byUser.set(user_id!, (byUser.get(user_id!) ?? 0) + 1);
    }
    const sorted = [...byUser.values()].toSorted((a, b) => b - a);
    const total = sorted.reduce((sum, n) => sum + n, 0);
    // Of ranks 1 to 420, the first ten have ln(11)/ln(421) = 40% of the calls.
    expect(sorted.slice(0, 10).reduce((sum, n) => sum + n, 0) / total).toBeCloseTo(0.4, 1);
  });

  it("changes the model of code-review once, and has one user run away on one weekday", () => {
    const review = calls.filter(({ application }) => application === "code-review");
    const last = review.findLastIndex(({ model }) => model === "gpt-5.4");
    const first = review.findIndex(({ model }) => model === "gpt-5.6-terra");
    expect(first).toBeGreaterThan(last);

    const byDay = new Map<string, number>();
    for (const { application, timestamp, user_id } of calls) {
      if (application !== "coding-agent" || user_id !== "platform-001") continue;
      byDay.set(timestamp.slice(0, 10), (byDay.get(timestamp.slice(0, 10)) ?? 0) + 1);
    }
    const [[day, most], [, next]] = [...byDay].toSorted(([, a], [, b]) => b - a) as [
      [string, number],
      [string, number],
    ];
    expect(most).toBeGreaterThan(5 * next);
    expect(new Date(day).getUTCDay() % 6).not.toBe(0);
  });
});
