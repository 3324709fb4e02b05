import { sql } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import { describe, expect, it } from "vitest";
import type { Database } from "../src/db/client.ts";
import { createKeyring, type Keyring } from "../src/keyring.ts";
import { createKey, createProject, revokeKey } from "../src/keys.ts";
import { rotateKey } from "../src/rotation.ts";
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

describe("createKeyring", () => {
  it("tells whose a key is, and asks the database once in half a minute", async () => {
    const { key, id, project_id } = await newKey();
    const { db, lookUps } = counted();
    const keyring = createKeyring(db);
    for (const nowMs of [NOW, NOW + 29_999]) {
      expect(await keyring.callerOf(key, nowMs)).toEqual({
        keyId: id,
        projectId: project_id,
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
    await db.query(sql`update api_keys set last_used_at = ${new Date(NOW)} where id = ${id}::uuid`);
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

describe("a key that expires", () => {
  const expiring = async (expiresMs: number) => {
    const { id } = await createProject(db, "test");
    return await createKey(db, id, "test", ["read"], undefined, expiresMs);
  };

  it("is refused by the clock, also if it is remembered", async () => {
    const { key } = await expiring(NOW + 20_000);
    const { db, lookUps } = counted();
    const keyring = createKeyring(db);
    for (const ms of [0, 19_999]) expect(await keyring.callerOf(key, NOW + ms)).not.toBeNull();
    for (const ms of [20_000, 29_999, 30_000, 90_000])
      await expect(keyring.callerOf(key, NOW + ms)).rejects.toThrow("expired at 2026-03-10T00:00:20.000Z");
    // It is remembered as any other: at 0, 30 and 90 s.
    expect(lookUps()).toBe(3);
  });
});

describe("two isolates over one database", () => {
  it.each(["revoked", "rotated"])(
    "know half a minute later that a key was %s in another, and that one at once",
    async (how) => {
      const { key, id } = await newKey();
      const [here, there] = [createKeyring(db), createKeyring(db)];
      for (const keyring of [here, there]) expect(await keyring.callerOf(key, NOW)).not.toBeNull();
      if (how === "revoked") await revokeKey(db, id);
      else await rotateKey(db, NOW, { id, newId: crypto.randomUUID(), overlapSeconds: 0 });
      here.changed(id);
      const isKnown = async (keyring: Keyring, ms: number) =>
        (await keyring.callerOf(key, NOW + ms).catch(() => null)) !== null;
      expect([await isKnown(here, 1), await isKnown(there, 29_999), await isKnown(there, 30_000)]).toEqual([
        false,
        true,
        false,
      ]);
    },
  );

  it("count half a minute from the question, however late the answer is", async () => {
    const { key, id } = await newKey();
    const [ran, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const slow: Database = {
      ...db,
      query: async (statement) => {
        const rows = await db.query(statement);
        ran.resolve();
        await answered.promise;
        return rows;
      },
    };
    const keyring = createKeyring(slow);
    const asked = keyring.callerOf(key, NOW);
    await ran.promise;
    await revokeKey(db, id);
    answered.resolve();
    await asked;
    expect(await keyring.callerOf(key, NOW + 30_000)).toBeNull();
  });

  it("ask again rather than believe an answer of half a minute while the database is away", async () => {
    const { key, id } = await newKey();
    let query: Database["query"] = db.query;
    const keyring = createKeyring({ ...db, query: (statement) => query(statement) });
    expect(await keyring.callerOf(key, NOW)).not.toBeNull();
    await revokeKey(db, id);
    query = async () => {
      throw new Error("away");
    };
    const beside: Promise<unknown>[] = [];
    for (const ms of [15_000, 20_000, 29_999])
      expect(await keyring.callerOf(key, NOW + ms, (work) => void beside.push(work))).not.toBeNull();
    await Promise.all(beside);
    for (const ms of [30_000, 60_000, 600_000])
      await expect(keyring.callerOf(key, NOW + ms, (work) => void beside.push(work))).rejects.toThrow("away");
  });
});

describe("the last use of a key", () => {
  it("is noted to the minute, by at most a write each half a minute", async () => {
    const { key, id } = await newKey();
    let writes = 0;
    const query: Database["query"] = (statement) => {
      if (new PgDialect().sqlToQuery(statement).sql.includes("update")) writes++;
      return db.query(statement);
    };
    const isolates = [createKeyring({ ...db, query }), createKeyring({ ...db, query })];
    const lastUse = async () => {
      const [row] = await db.query(sql`select last_used_at from api_keys where id = ${id}::uuid`);
      return (row!["last_used_at"] as Date | null)?.getTime() ?? null;
    };
    expect(await lastUse()).toBeNull();
    // 10 minutes, a request a second, to one of the two isolates.
    for (let ms = 0; ms < 600_000; ms += 1_000) {
      const beside: Promise<unknown>[] = [];
      await isolates[Math.floor(ms / 7_000) % 2]!.callerOf(key, NOW + ms, (work) => void beside.push(work));
      while (beside.length > 0) await Promise.all(beside.splice(0));
      const lagMs = NOW + ms - (await lastUse())!;
      expect([ms, lagMs >= 0 && lagMs < 60_000]).toEqual([ms, true]);
    }
    expect(writes).toBeLessThanOrEqual(20);
  });

  it("is no use of a key that has expired, and costs nobody an answer", async () => {
    const { id: projectId } = await createProject(db, "test");
    const { key, id } = await createKey(db, projectId, "test", ["read"], undefined, NOW);
    const beside: Promise<unknown>[] = [];
    await createKeyring(db)
      .callerOf(key, NOW, (work) => void beside.push(work))
      .catch(() => null);
    await Promise.all(beside);
    const [row] = await db.query(sql`select last_used_at from api_keys where id = ${id}::uuid`);
    expect(row!["last_used_at"]).toBeNull();

    const { key: other } = await newKey();
    const readOnly: Database = {
      ...db,
      query: async (statement) => {
        if (new PgDialect().sqlToQuery(statement).sql.includes("update")) throw new Error("read-only transaction");
        return await db.query(statement);
      },
    };
    expect(await createKeyring(readOnly).callerOf(other, NOW, (work) => void beside.push(work))).not.toBeNull();
    await Promise.all(beside);
  });
});
