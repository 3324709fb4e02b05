/** What an isolate believes of sessions, and how often it asks. */
import { expect, it } from "vitest";
import type { Database } from "../src/db/client.ts";
import { createKey, createProject, revokeKey } from "../src/keys.ts";
import { createPageSessions } from "../src/page-sessions.ts";
import { db } from "./http/ledger.ts";

const NOW = Date.now();
const ADMIN_KEY = "the admin key of these tests, 32 characters";

/** Sessions over a database whose statements are counted, and may be replaced. */
function counted(adminKey = ADMIN_KEY) {
  const state = { asked: 0, query: db.query };
  const query: Database["query"] = (statement) => (state.asked++, state.query(statement));
  return { state, sessions: createPageSessions({ ...db, query }, adminKey) };
}

async function signedIn() {
  const { id: projectId } = await createProject(db, "test");
  const { id: keyId } = await createKey(db, projectId, "test", ["read"]);
  const caller = { keyId, projectId, scopes: new Set(["read"] as const) };
  const { secret } = await createPageSessions(db, ADMIN_KEY).open(caller, NOW, "request");
  return { secret, keyId, caller };
}

it("asks the database once in half a minute", async () => {
  const { secret, caller } = await signedIn();
  const { state, sessions } = counted();
  for (const nowMs of [NOW, NOW + 29_999]) expect(await sessions.read(secret, nowMs)).toMatchObject({ caller });
  expect(state.asked).toBe(1);
  await sessions.read(secret, NOW + 30_000);
  expect(state.asked).toBe(2);
});

it("never asks for forged secrets, or for those of another admin key", async () => {
  const { secret } = await signedIn();
  const { state, sessions } = counted();
  const forged = secret.slice(0, -1) + (secret.endsWith("0") ? "1" : "0");
  const other = secret.replace(/^lcs_./, (start) => (start.endsWith("0") ? "lcs_1" : "lcs_0"));
  for (const wrong of ["", "nonsense", secret.slice(0, 44), forged, other, `${secret}0`, secret.toUpperCase()])
    expect(await sessions.read(wrong, NOW)).toBeNull();
  expect(state.asked).toBe(0);
  const elsewhere = counted(`${ADMIN_KEY}!`);
  expect(await elsewhere.sessions.read(secret, NOW)).toBeNull();
  expect(elsewhere.state.asked).toBe(0);
});

it("renews an answer beside requests from 15 s on, and never believes one of more than 30 s", async () => {
  const { secret, keyId } = await signedIn();
  const { state, sessions } = counted();
  const beside: Promise<unknown>[] = [];
  const at = (ms: number) => sessions.read(secret, NOW + ms, (work) => void beside.push(work));
  await at(0);
  await Promise.all(beside.splice(0));
  const stalled = Promise.withResolvers<never>();
  state.query = () => stalled.promise;
  for (const ms of [15_000, 16_000, 19_999]) expect(await at(ms)).not.toBeNull();
  expect(beside.length).toBe(1);
  stalled.reject(new Error("away"));
  await Promise.all(beside.splice(0));
  state.query = () => Promise.reject(new Error("away"));
  await expect(at(30_000)).rejects.toThrow("away");
  state.query = db.query;
  await revokeKey(db, keyId);
  expect(await at(30_000)).toBeNull();
});

it.each(["changed", "close"] as const)("does not believe what was asked before the session ended (%s)", async (how) => {
  const { secret, keyId, caller } = await signedIn();
  const { state, sessions } = counted();
  const session = (await sessions.read(secret, NOW))!;
  // An answer from before the end that arrives after it.
  const [read, early] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  state.query = async (statement) => {
    const rows = await db.query(statement);
    read.resolve();
    await early.promise;
    return rows;
  };
  const beside: Promise<unknown>[] = [];
  await sessions.read(secret, NOW + 15_000, (work) => void beside.push(work));
  await read.promise;
  state.query = db.query;
  if (how === "close") await sessions.close(session, NOW, { name: caller.keyId, requestId: "request" });
  else {
    await revokeKey(db, keyId);
    sessions.changed(keyId);
  }
  early.resolve();
  await Promise.all(beside);
  expect(await sessions.read(secret, NOW + 15_001)).toBeNull();
});
