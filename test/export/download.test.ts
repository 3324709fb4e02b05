/**
 * Downloads over HTTP from bare workerd, whose database is watched, and may fail: what only a real connection shows.
 */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type BareWorkerd, startWorkerd } from "../../scripts/bench/workerd.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { createKey } from "../../src/keys.ts";
import { bindingsOf, database, newProject } from "../ledger.ts";
import { priced, trace } from "../calls.ts";
import { watch } from "./watched.ts";

const TRACES = 20_000;
const MONDAY = Date.UTC(2025, 2, 10);
/** About 3 KB a trace in NDJSON. */
const TAGS = Object.fromEntries(Array.from({ length: 4 }, (_, i) => [`tag-${i}`, "x".repeat(500)]));

let worker: BareWorkerd;
let watched: Awaited<ReturnType<typeof watch>>;
let key: string;
/** Pages of traces that the database was asked for. */
let pages = 0;
let failFrom = Number.POSITIVE_INFINITY;

beforeAll(async () => {
  watched = await watch("order by t.id asc", () => ++pages >= failFrom);
  worker = await startWorkerd(bindingsOf(watched.database));
  const db = database();
  const projectId = await newProject(db);
  ({ key } = await createKey(db, projectId, "test", ["read"]));
  for (let from = 0; from < TRACES; from += 1_000) {
    const batch = Array.from({ length: 1_000 }, (_, i) => from + i);
    await writeBatch(
      db,
      projectId,
      batch.map((i) => priced(trace({ startedAtMs: MONDAY + i, clientId: `call-${i}`, tags: TAGS }))),
    );
  }
}, 60_000);

afterAll(async () => {
  await worker.stop();
  await watched.close();
});

beforeEach(() => {
  pages = 0;
  failFrom = Number.POSITIVE_INFINITY;
});

const get = (query: string, signal?: AbortSignal): Promise<Response> =>
  fetch(`${worker.url}/v1/export?to=2025-03-11&${query}`, {
    headers: { authorization: `Bearer ${key}` },
    ...(signal && { signal }),
  });
const ALL = "from=2025-03-10";
const HALF = `from=${MONDAY + TRACES / 2}`;

/** Bytes and lines of a body, which is not kept. */
async function measure(response: Response): Promise<{ bytes: number; lines: number }> {
  let [bytes, lines] = [0, 0];
  for await (const chunk of response.body!) {
    bytes += chunk.length;
    for (const byte of chunk) if (byte === 10) lines++;
  }
  return { bytes, lines };
}

async function residentMib(): Promise<number> {
  const status = await readFile(`/proc/${worker.pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) / 1_024;
}

describe("a download", () => {
  it.runIf(process.platform === "linux")("takes no more memory the longer it is", async () => {
    // The heap grows to the size that it keeps.
    for (let i = 0; i < 2; i++) await measure(await get(ALL));
    const before = await residentMib();
    const { bytes, lines } = await measure(await get(ALL));
    expect(lines).toBe(TRACES);
    expect(bytes).toBeGreaterThan(50 * 2 ** 20);
    expect((await residentMib()) - before).toBeLessThan(40);
  });

  it("ends as a broken transfer when the database fails midway, and goes on after the last whole line", async () => {
    failFrom = 6;
    const decoder = new TextDecoder();
    let had = "";
    const broken = async (): Promise<void> => {
      for await (const chunk of (await get(ALL)).body!) had += decoder.decode(chunk, { stream: true });
    };
    await expect(broken()).rejects.toThrow();
    const lines = had.slice(0, had.lastIndexOf("\n")).split("\n");
    expect(lines.length).toBeGreaterThan(100);
    expect(lines.length).toBeLessThan(TRACES);
    const { id } = JSON.parse(lines.at(-1)!) as { id: string };
    failFrom = Number.POSITIVE_INFINITY;
    expect((await measure(await get(`${ALL}&cursor=${id}`))).lines).toBe(TRACES - lines.length);
  });

  it("asks the database nothing more once its reader has gone", async () => {
    const gone = new AbortController();
    const reader = (await get(ALL, gone.signal)).body!.getReader();
    await reader.read();
    gone.abort();
    // While another download takes as long as the rest of that one would have.
    const begun = pages;
    await measure(await get(HALF));
    const both = pages - begun;
    pages = 0;
    await measure(await get(HALF));
    expect(both - pages).toBeLessThanOrEqual(3);
  });
});
