/** What Redis holds of an erased user cannot be served any more, and is gone within five minutes. */
import { Redis } from "@upstash/redis";
import { expect, inject, it } from "vitest";
import { createApp } from "../../src/app.ts";
import { parseConfig } from "../../src/config.ts";
import { createDeps } from "../../src/deps.ts";
import { createKey, createProject } from "../../src/keys.ts";
import { runErasures } from "../../src/erase/job.ts";
import { database } from "../ledger.ts";

const USER = "the user to be erased";
const FIVE_MINUTES = 300_000;
const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token, ...bindings } = inject("bindings");

it("leaves no answer that names the user", async () => {
  const db = database();
  const deps = createDeps(parseConfig({ ...bindings, UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token }), {
    db,
  });
  const left: Promise<unknown>[] = [];
  const context = {
    waitUntil: (work: Promise<unknown>) => void left.push(work),
    passThroughOnException() {},
    props: {},
  };
  const app = createApp(deps);
  const { id: project } = await createProject(db, "test");
  const { key } = await createKey(db, project, "test", ["admin"]);
  const ask = async (method: string, path: string, body?: unknown): Promise<{ cache: string | null; text: string }> => {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const response = await app.fetch(new Request(`http://ledger${path}`, init), {}, context as never);
    const text = await response.text();
    expect(response.status, text).toBeLessThan(300);
    while (left.length > 0) await Promise.all(left.splice(0));
    return { cache: response.headers.get("x-cache"), text };
  };
  const timestamp = "2026-03-10T09:00:00Z";
  await ask("POST", "/v1/traces", [{ id: "a", timestamp, model: "gpt-4o", provider: "openai", user_id: USER }]);

  const questions = ["/v1/summary?group_by=user", "/v1/summary?group_by=user,model&interval=day"].map(
    (path) => `${path}&from=2026-03-09&to=2026-03-12`,
  );
  // The first gives the project its epoch, the second fills the cache.
  for (const question of questions) for (let i = 0; i < 3; i++) await ask("GET", question);
  for (const question of questions) expect((await ask("GET", question)).cache).toBe("hit");

  const redis = new Redis({ url, token, automaticDeserialization: false, enableTelemetry: false });
  const naming = async (): Promise<string[]> => {
    const keys = (await redis.keys("*")).filter((key) => key.includes(project));
    const values = await Promise.all(keys.map(async (key) => (await redis.get<string>(key)) ?? ""));
    expect(keys.filter((key) => key.includes(USER))).toEqual([]);
    return keys.filter((_, i) => values[i]!.includes(USER));
  };
  expect(await naming()).not.toEqual([]);

  await ask("DELETE", `/v1/users/${encodeURIComponent(USER)}?mode=anonymise`);
  for (const question of questions) {
    const { cache, text } = await ask("GET", question);
    expect(cache).toBe("miss");
    expect(text).not.toContain(USER);
  }
  for (const name of await naming()) {
    const ttlMs = await redis.pttl(name);
    expect(ttlMs).toBeGreaterThan(0);
    expect(ttlMs).toBeLessThanOrEqual(FIVE_MINUTES);
  }
  // The questions that were asked again have replaced theirs.
  expect(await naming()).toEqual([]);
  await runErasures({ ...deps, now: () => Date.now() + FIVE_MINUTES }, () => {}, project);
});
