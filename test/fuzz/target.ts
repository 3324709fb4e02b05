/** The Worker in bare workerd over stores of its own, with projects and objects that the fuzzer asks for. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { startWorkerd } from "../../scripts/bench/workerd.ts";
import { forkBackends } from "../../scripts/local/backends.ts";
import { callKey } from "../../src/ledger/key.ts";
import type { OpenApi } from "../http/described.ts";
import { ownDatabase } from "../own-database.ts";
import type { Caller, Input } from "./input.ts";
import type { Known } from "./routes.ts";

const ADMIN_KEY = "fuzz-admin-key-0123456789abcdef0123456789";
const METRICS_TOKEN = "fuzz-metrics-token-0123456789";
const HANGS_MS = 10_000;
/** A repair ends by itself after 20 s and says where to go on. */
const REPAIR_HANGS_MS = 25_000;
const FIRST_MS = Date.UTC(2026, 8, 20);

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

export interface Target extends AsyncDisposable {
  document: OpenApi;
  /** The project of the callers `ingest`. Nothing in it is deleted. */
  ingested: string;
  known: Known;
  /** Rejects when there is no answer within 10 s, or the connection breaks. */
  send(input: Pick<Input, "method" | "path" | "headers" | "body" | "caller">): Promise<Answer>;
  /** Fires the Worker's `scheduled()`. */
  cron(): Promise<Answer>;
  /** How many calls each user of the project has. */
  callsByUser(projectId: string): Promise<Map<string, number>>;
  /** What the Worker logged of a request. */
  logged(requestId: string): Promise<string>;
}

export async function startTarget(driver: "neon" | "postgres"): Promise<Target> {
  await using started = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "fuzz-"));
  started.defer(() => rm(folder, { recursive: true, force: true }));
  // In a shared database cron would have the work of all tests to do.
  const { REDIS_URL: _, ...env } = process.env;
  const backends = await forkBackends({ ...env, DATABASE_URL: (await ownDatabase("neon")).url });
  started.defer(backends.stop);
  const { DATABASE_URL, NEON_FETCH_ENDPOINT, ...redis } = backends.bindings;
  const database =
    driver === "neon"
      ? { DATABASE_URL, NEON_FETCH_ENDPOINT }
      : { HYPERDRIVE: { connectionString: backends.hyperdriveUrl } };
  const logFile = join(folder, "worker.log");
  const entry = join(import.meta.dirname, "../../scripts/bench/worker.ts");
  const worker = await startWorkerd(
    { ...redis, ...database, ADMIN_KEY, METRICS_TOKEN, LOG_LEVEL: "warn" },
    entry,
    logFile,
  );
  started.defer(worker.stop);
  const agent = new Agent({ keepAlive: true });
  started.defer(async () => agent.destroy());
  const client = new pg.Client({ connectionString: backends.databaseUrl });
  await client.connect();
  started.defer(() => client.end());

  const keys: Record<string, string> = { admin: ADMIN_KEY, metrics: METRICS_TOKEN };
  const { port } = new URL(worker.url);
  const send: Target["send"] = async ({ method, path, headers, body, caller }) => {
    const own = caller === null ? {} : { authorization: `Bearer ${keys[caller]}` };
    const length = body === null ? {} : { "content-length": String(body.length) };
    return await new Promise<Answer>((resolve, reject) => {
      const options = { agent, host: "127.0.0.1", port, method, path, headers: { ...own, ...length, ...headers } };
      const outgoing = request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          clearTimeout(timer);
          const headers = response.headers as Record<string, string>;
          resolve({ status: response.statusCode!, headers, body: Buffer.concat(chunks) });
        });
      });
      const hangsMs = path === "/v1/repair" ? REPAIR_HANGS_MS : HANGS_MS;
      const timer = setTimeout(() => outgoing.destroy(new Error(`no answer within ${hangsMs} ms`)), hangsMs);
      outgoing.on("error", (error) => {
        clearTimeout(timer);
        reject(error);
      });
      outgoing.end(body ?? undefined);
    });
  };
  const ask = async (caller: Caller | null, method: string, path: string, value?: unknown): Promise<Answer> => {
    const body = value === undefined ? null : Buffer.from(JSON.stringify(value));
    return await send({ method, path, headers: { "content-type": "application/json" }, body, caller });
  };
  const { known, ingested } = await furnish(ask, keys);
  const document = JSON.parse(String((await ask(null, "GET", "/openapi.json")).body)) as OpenApi;
  const all = started.move();
  return {
    document,
    ingested,
    known,
    send,
    cron: () => ask(null, "GET", "/bench/cron"),
    async callsByUser(projectId) {
      const { rows } = await client.query<{ user_id: string; calls: number }>(
        "select user_id, count(*)::int as calls from traces where project_id = $1 and user_id is not null group by 1",
        [projectId],
      );
      return new Map(rows.map(({ user_id: user, calls }) => [user, calls]));
    },
    async logged(requestId) {
      const lines = (await readFile(logFile, "utf8")).split("\n");
      return lines.find((line) => requestId !== "" && line.includes(requestId)) ?? "";
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Makes projects, keys, calls, a price and a job. Adds the keys of all callers to `keys`. */
async function furnish(
  ask: (caller: Caller, method: string, path: string, value?: unknown) => Promise<Answer>,
  keys: Record<string, string>,
): Promise<{ known: Known; ingested: string }> {
  const made = async (...asked: Parameters<typeof ask>): Promise<Record<string, string>> => {
    const { status, body } = await ask(...asked);
    if (status >= 300) throw new Error(`${asked[2]}: ${status} ${String(body)}`);
    return JSON.parse(String(body)) as Record<string, string>;
  };
  const project = async (): Promise<string> => (await made("admin", "POST", "/v1/projects", { name: "fuzz" }))["id"]!;
  const key = (id: string, ...scopes: string[]) =>
    made("admin", "POST", "/v1/keys", { project_id: id, name: scopes.join(), scopes });
  const [ingested, own, other] = [await project(), await project(), await project()];
  const callers = {
    ingest: await key(ingested, "ingest", "read"),
    all: await key(own, "ingest", "read", "admin"),
    reader: await key(own, "read"),
    writer: await key(own, "ingest"),
    other: await key(other, "ingest", "read", "admin"),
    revoked: await key(own, "read"),
  };
  for (const [caller, { key }] of Object.entries(callers)) keys[caller] = key!;
  await ask("admin", "DELETE", `/v1/keys/${callers.revoked["id"]!}`);

  const calls = Array.from({ length: 300 }, (_, i) => ({
    id: `call-${i}`,
    timestamp: FIRST_MS + i * 1_000_000,
    model: i % 7 === 0 ? "nobody-knows-it" : "gpt-4o-mini",
    provider: "openai",
    application: `app-${i % 3}`,
    user_id: `user-${i % 5}`,
    session_id: `session-${i % 20}`,
    trace_id: `trace-${i % 2}`,
    tags: { team: `team-${i % 4}` },
    input_tokens: 1_000 + i,
    output_tokens: 10,
    cost_usd: 0.5,
  }));
  await made("all", "POST", "/v1/traces", calls);
  const spare: string[] = [];
  for (let i = 0; i < 60; i++) spare.push((await key(own, "read"))["id"]!);
  const range = { from: "2026-09-20", to: "2026-09-24" };
  const jobs: string[] = [];
  for (let i = 0; i < 3; i++)
    jobs.push((await made("all", "POST", "/v1/reprice", { ...range, dry_run: false }))["id"]!);
  const erasure = await made("all", "DELETE", "/v1/users/nobody?mode=anonymise");
  const views: string[] = [];
  for (let i = 0; i < 20; i++)
    views.push((await made("all", "POST", "/v1/views", { name: `view ${i}`, path: "/explore" }))["id"]!);
  const plans: string[] = [];
  for (let i = 0; i < 20; i++) {
    const plan = {
      name: `plan ${i}`,
      seat_usd: "20",
      period: "month",
      from: "2026-09-01",
      users: ["user-1", "user-2"],
    };
    plans.push((await made("all", "POST", "/v1/plans", plan))["id"]!);
  }
  const sessions = calls.map(({ session_id: id }) => id);
  const projects = [own, other];
  return {
    ingested,
    known: {
      "/v1/traces/{id}": calls.map(({ timestamp, id }) => callKey(timestamp, id)),
      "/v1/sessions/{id}": [...new Set(sessions)],
      "/v1/trace-trees/{id}": ["trace-0", "trace-1"],
      "/v1/views/{id}": views,
      "/v1/plans/{id}": plans.slice(10),
      "/v1/plans/{id}/use": plans.slice(0, 10),
      "/v1/keys/{id}": spare.slice(20),
      "/v1/keys/{id}/rotate": spare.slice(0, 20),
      "/v1/reprice/{id}": jobs,
      "/v1/users/{id}": [...new Set(calls.map(({ user_id: user }) => user))],
      "/v1/erasures/{id}": [erasure["id"]!],
      project_id: projects,
      // What the page signs in with.
      key: [callers.all["key"]!, callers.reader["key"]!],
    },
  };
}
