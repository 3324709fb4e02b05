import { sql } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import type { Database } from "../src/db/client.ts";
import { createKey, createKeyring, createProject, isWellFormedKey, revokeKey } from "../src/keys.ts";
import { forgedKeys } from "./forged-keys.ts";
import { db } from "./http/ledger.ts";

const NOW = Date.UTC(2026, 2, 10);

async function newKey() {
  const { id } = await createProject(db, "test");
  return await createKey(db, id, "test", ["read", "ingest"]);
}

/** The database, with its look-ups counted. */
function counted(): { db: Database; lookUps: () => number } {
  let lookUps = 0;
  const query: Database["query"] = (statement) => {
    lookUps++;
    return db.query(statement);
  };
  return { db: { ...db, query }, lookUps: () => lookUps };
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

describe("createKeyring", () => {
  it("tells whose a key is, and asks the database once in half a minute", async () => {
    const { key, id, project_id } = await newKey();
    const { db, lookUps } = counted();
    const keyring = createKeyring(db);
    for (const nowMs of [NOW, NOW + 29_999]) {
      expect(await keyring.callerOf(key, nowMs)).toEqual({
        projectId: project_id,
        keyId: id,
        scopes: new Set(["read", "ingest"]),
      });
    }
    expect(lookUps()).toBe(1);
    await keyring.callerOf(key, NOW + 30_000);
    expect(lookUps()).toBe(2);
  });

  it("knows a revoked key no more once the memo ran out", async () => {
    const { key, id } = await newKey();
    const keyring = createKeyring(db);
    expect(await keyring.callerOf(key, NOW)).not.toBeNull();
    await revokeKey(db, id);
    expect(await keyring.callerOf(key, NOW + 30_000)).toBeNull();
    expect(await createKeyring(db).callerOf(key, NOW)).toBeNull();
  });

  it("renews an answer beside requests from 15 s on, and never believes one of more than 30 s", async () => {
    const { key, id } = await newKey();
    let asked = 0;
    let query: Database["query"] = db.query;
    const keyring = createKeyring({ ...db, query: (statement) => (asked++, query(statement)) });
    const beside: Promise<unknown>[] = [];
    const at = (ms: number) => keyring.callerOf(key, NOW + ms, (work) => void beside.push(work));
    await at(0);
    await at(14_999);
    expect(asked).toBe(1);
    // The database stalls.
    const stalled = Promise.withResolvers<never>();
    query = () => stalled.promise;
    for (const ms of [15_000, 16_000, 19_999]) expect(await at(ms)).not.toBeNull();
    expect(asked).toBe(2);
    stalled.reject(new Error("away"));
    await Promise.all(beside.splice(0));
    query = db.query;
    await revokeKey(db, id);
    expect(await at(20_000)).not.toBeNull();
    await Promise.all(beside);
    expect([await at(20_001), asked]).toEqual([null, 3]);
  });

  it("never asks the database for what is no key", async () => {
    const { db, lookUps } = counted();
    for (const key of ["", "nonsense", `lct_${"0".repeat(48)}`]) {
      expect(await createKeyring(db).callerOf(key, NOW)).toBeNull();
    }
    expect(lookUps()).toBe(0);
  });

  it.each(["one by one", "at once"])("does not ask for each of many forged keys, sent %s", async (how) => {
    const { key } = await newKey();
    const { db, lookUps } = counted();
    const keyring = createKeyring(db);
    const keys = forgedKeys(300);
    if (how === "at once") {
      const callers = await Promise.all(keys.map((forged) => keyring.callerOf(forged, NOW)));
      expect(new Set(callers)).toEqual(new Set([null]));
    } else for (const forged of keys) expect(await keyring.callerOf(forged, NOW)).toBeNull();
    expect(lookUps()).toBeLessThan(50);
    expect(await keyring.callerOf(key, NOW)).not.toBeNull();
  });

  it("in a flood still takes keys that are made, here at once, elsewhere a second later", async () => {
    const { key: used } = await newKey();
    const { db, lookUps } = counted();
    const keyring = createKeyring(db);
    await keyring.callerOf(used, NOW);
    for (const key of forgedKeys(12_000)) await keyring.callerOf(key, NOW);
    const asked = lookUps();
    expect(await keyring.callerOf(used, NOW)).not.toBeNull();
    expect(lookUps()).toBe(asked);
    const [here, elsewhere] = [await newKey(), await newKey()];
    expect(await keyring.callerOf(elsewhere.key, NOW + 1_000)).not.toBeNull();
    keyring.added();
    expect(await keyring.callerOf(here.key, NOW + 1_001)).not.toBeNull();
  });

  it("does not remember a failure to ask", async () => {
    const { key } = await newKey();
    let fails = true;
    const flaky: Database = { ...db, query: (query) => (fails ? Promise.reject(new Error("away")) : db.query(query)) };
    const keyring = createKeyring(flaky);
    await expect(keyring.callerOf(key, NOW)).rejects.toThrow("away");
    fails = false;
    expect(await keyring.callerOf(key, NOW)).not.toBeNull();
  });

  it("takes a key by its hash, not by its hash's text", async () => {
    const { key, id } = await newKey();
    const [row] = await db.query(sql`select key_hash from api_keys where id = ${id}::uuid`);
    expect(await createKeyring(db).callerOf(String(row!["key_hash"]), NOW)).toBeNull();
    expect(key).not.toContain(String(row!["key_hash"]));
  });
});
