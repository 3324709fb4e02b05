import fc from "fast-check";
import { expect, it } from "vitest";
import { keyRange, startOfKey, callKey } from "../../src/ledger/key.ts";

const instant = fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2100, 0, 1) });

it("is a UUID of version 8", () => {
  fc.assert(
    fc.property(instant, fc.string(), (ms, identity) => {
      expect(callKey(ms, identity)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }),
  );
});

it("is the same for the same call, and carries its start", () => {
  fc.assert(
    fc.property(instant, fc.string(), (ms, identity) => {
      expect(callKey(ms, identity)).toBe(callKey(ms, identity));
      expect(startOfKey(callKey(ms, identity))).toBe(ms);
    }),
  );
});

it("orders by time and lies in the range of its time only", () => {
  fc.assert(
    fc.property(instant, fc.string(), fc.string(), (ms, one, other) => {
      expect(callKey(ms, one) < callKey(ms + 1, other)).toBe(true);
      const [lowest, highest] = keyRange(ms, ms + 1);
      expect(lowest <= callKey(ms, one) && callKey(ms, one) < highest).toBe(true);
    }),
  );
});

it("tells a million identities of one millisecond apart, however alike they are", () => {
  const keys = new Set<string>();
  for (let i = 0; i < 250_000; i++) {
    for (const identity of [
      `call-${i}`,
      `${i}`,
      `call_${i.toString(16).padStart(32, "0")}`,
      `${"a".repeat(i % 100)}:${i}`,
    ]) {
      keys.add(callKey(1_750_000_000_000, identity));
    }
  }
  expect(keys.size).toBe(1_000_000);
});

it("never changes: stored calls have these keys", () => {
  const keys = {
    "": "019ad334-2000-8e92-9d6e-21083a864681",
    "5fa1230c152e70d0a163926c6f9bf206:00f067aa0ba902b7": "019ad334-2000-83c0-9925-47960f5c9ee1",
    "Grüße 漢字 🙂": "019ad334-2000-8443-91cb-e8fdad291ec9",
    ["a-long-identity/".repeat(128)]: "019ad334-2000-863c-ac4b-2fcb5af881a6",
  };
  for (const [identity, key] of Object.entries(keys)) expect(callKey(1_764_480_000_000, identity)).toBe(key);
});
