import { describe, expect, it } from "vitest";
import { createKey, createProject, isWellFormedKey } from "../src/keys.ts";
import { db } from "./http/ledger.ts";

async function newKey() {
  const { id } = await createProject(db, "test");
  return await createKey(db, id, "test", ["read", "ingest"]);
}

describe("createKey", () => {
  it("makes keys of 160 random bits, all different, with a checksum that catches every changed digit", async () => {
    const { key, project_id } = await newKey();
    const other = await createKey(db, project_id, "test", ["read"]);
    expect(other.key).not.toBe(key);
    expect(key).toMatch(/^lct_[0-9a-f]{40}[0-9a-f]{8}$/);
    expect(isWellFormedKey(key)).toBe(true);
    for (let at = 4; at < key.length; at++) {
      const changed = key.slice(0, at) + (key[at] === "0" ? "1" : "0") + key.slice(at + 1);
      expect(isWellFormedKey(changed), changed).toBe(false);
    }
  });

  it.each(["", "lct_", "nonsense", "LCT_", `lct_${"f".repeat(47)}`, `lct_${"g".repeat(48)}`])("%j is no key", (key) => {
    expect(isWellFormedKey(key)).toBe(false);
  });
});
