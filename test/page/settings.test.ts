/** What settings tell of keys, of cron and of sizes. */
import { describe, expect, it } from "vitest";
import { formatBytes } from "../../src/page/settings/bytes.ts";
import { lastRunFailed } from "../../src/page/settings/cron.ts";
import { type ApiKey, inOrder, stateOf, works } from "../../src/page/settings/key-state.ts";

const NOW = Date.parse("2026-11-30T12:00:00Z");
const BEFORE = "2026-11-30T11:59:59Z";
const AFTER = "2026-11-30T12:00:01Z";

const key = (more: Partial<ApiKey>): ApiKey => ({
  id: "1",
  project_id: "p",
  name: "key",
  scopes: ["read"],
  created_at: BEFORE,
  expires_at: null,
  last_used_at: null,
  revoked_at: null,
  replaced_by: null,
  ...more,
});

describe("a key", () => {
  it.each([
    ["works", key({})],
    ["works", key({ expires_at: AFTER })],
    ["expired", key({ expires_at: BEFORE })],
    ["expired", key({ expires_at: new Date(NOW).toISOString() })],
    ["replaced", key({ replaced_by: "2", expires_at: AFTER })],
    ["expired", key({ replaced_by: "2", expires_at: BEFORE })],
    ["revoked", key({ revoked_at: BEFORE, expires_at: AFTER })],
  ] as const)("is told as %s", (state, one) => expect(stateOf(one, NOW)).toBe(state));

  it("works until it expires, also once it is replaced", () => {
    expect(works(key({ replaced_by: "2", expires_at: AFTER }), NOW)).toBe(true);
    expect(works(key({ replaced_by: "2", expires_at: BEFORE }), NOW)).toBe(false);
  });

  it("stands before those that ended, the newest first", () => {
    const keys = [
      key({ id: "ended", revoked_at: BEFORE, created_at: AFTER }),
      key({ id: "old", created_at: "2026-01-01T00:00:00Z" }),
      key({ id: "new" }),
    ];
    expect(inOrder(keys, NOW).map(({ id }) => id)).toEqual(["new", "old", "ended"]);
  });
});

describe("cron", () => {
  it("failed where a stage succeeded after the whole run did", () => {
    expect(lastRunFailed({ merge: BEFORE, heal: "2026-11-29T00:00:00Z", run: BEFORE })).toBe(false);
    expect(lastRunFailed({ merge: AFTER, run: BEFORE })).toBe(true);
    expect(lastRunFailed({ merge: AFTER })).toBe(true);
    expect(lastRunFailed({})).toBe(false);
  });
});

it.each([
  [0, "0 bytes"],
  [1_023, "1020 bytes"],
  [1_536, "1.5 KiB"],
  [-(2 ** 30), "-1 GiB"],
  [5.5 * 2 ** 40, "5.5 TiB"],
])("%d is %s", (bytes, text) => expect(formatBytes(bytes)).toBe(text));
