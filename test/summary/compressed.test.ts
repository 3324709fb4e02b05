/** Long answers over HTTP, from bare workerd: who gets them compressed, and that all get the same. */
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { type BareWorkerd, startWorkerd } from "../../scripts/bench/workerd.ts";
import { type Answer, connect, type Ledger } from "../../scripts/client/ledger.ts";
import { createKey } from "../../src/keys.ts";
import { bindingsOf, database, newProject } from "../ledger.ts";

const USERS = 200;
const LONG = "/v1/summary?group_by=user&from=2025-03-10&to=2025-03-11";
const SHORT = "/v1/summary?from=2025-03-10&to=2025-03-11";

let worker: BareWorkerd;
let ledger: Ledger;

beforeAll(async () => {
  worker = await startWorkerd(bindingsOf(inject("databases")[inject("driver")]));
  const db = database();
  const { key } = await createKey(db, await newProject(db), "test", ["ingest", "read"]);
  ledger = connect({ url: worker.url, key });
  const calls = Array.from({ length: USERS }, (_, user) => ({
    id: `compressed-${user}`,
    timestamp: "2025-03-10T00:00:00Z",
    model: "gpt-4o",
    input_tokens: user,
    output_tokens: 1,
    user_id: `user-${user}`,
  }));
  const { status, body } = await ledger.send({ path: "/v1/traces", body: JSON.stringify(calls) });
  expect(status, String(body)).toBe(200);
}, 60_000);

afterAll(async () => {
  ledger[Symbol.dispose]();
  await worker.stop();
});

const ask = (path: string, headers: Record<string, string> = {}): Promise<Answer> => ledger.send({ path, headers });

async function cached(path: string): Promise<Answer> {
  for (let tries = 0; tries < 5; tries++) {
    const answer = await ask(path);
    if (answer.headers["x-cache"] === "hit") return answer;
  }
  throw new Error("the answer never came from the cache");
}

it.each(["gzip", "gzip, deflate, br", "br;q=1.0, GZIP;q=0.5", "*", "identity;q=0, *;q=0.1"])(
  "compresses for those that accept it: %s",
  async (accepted) => {
    const plain = await cached(LONG);
    expect((JSON.parse(String(plain.body)) as { rows: unknown[] }).rows).toHaveLength(USERS);
    expect(plain.headers["content-encoding"]).toBeUndefined();
    const { headers, body } = await ask(LONG, { "accept-encoding": accepted });
    expect(headers).toMatchObject({
      "x-cache": "hit",
      "content-encoding": "gzip",
      vary: "Accept-Encoding",
      "content-type": "application/json",
      etag: plain.headers.etag,
    });
    expect(headers["server-timing"]).toContain("cache;desc=hit");
    expect(body.length).toBeLessThan(plain.body.length / 4);
    expect(String(gunzipSync(body))).toBe(String(plain.body));
  },
);

it.each(["", "identity", "br", "gzip;q=0", "gzip;q=0.000, *", "*;q=0"])("does not for others: %s", async (accepted) => {
  const plain = await cached(LONG);
  const { headers, body } = await ask(LONG, { "accept-encoding": accepted });
  expect(headers["content-encoding"]).toBeUndefined();
  expect(headers.vary).toBe("Accept-Encoding");
  expect(String(body)).toBe(String(plain.body));
});

it("compresses what it has just computed, too, but neither short answers nor those that are not kept", async () => {
  const gzip = { "accept-encoding": "gzip" };
  await cached(LONG);
  const fresh = await ask(`${LONG}&order=requests`, gzip);
  expect(fresh.headers).toMatchObject({ "x-cache": "miss", "content-encoding": "gzip" });
  for (const [path, headers] of [
    [LONG, { ...gzip, "cache-control": "no-cache" }],
    [SHORT, gzip],
  ] as const) {
    const answer = await ask(path, headers);
    expect(answer.headers["content-encoding"]).toBeUndefined();
    JSON.parse(String(answer.body));
  }
});

it("answers 304 to the ETag of either form", async () => {
  const { headers } = await cached(LONG);
  for (const accepted of ["gzip", "identity"]) {
    const answer = await ask(LONG, { "accept-encoding": accepted, "if-none-match": headers.etag! });
    expect([answer.status, answer.body.length]).toEqual([304, 0]);
  }
});
