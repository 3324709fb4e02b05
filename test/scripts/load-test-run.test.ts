/** Load tests against the real Worker in workerd, as it is and with faults put between. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { type BareWorkerd, startWorkerd } from "../../scripts/bench/workerd.ts";
import { loadTest } from "../../scripts/load-test/load-test.ts";
import { createKey } from "../../src/keys.ts";
import { bindingsOf, database, newProject } from "../ledger.ts";

let worker: BareWorkerd;
let folder: string;
let recording: string;

beforeAll(async () => {
  worker = await startWorkerd(bindingsOf(inject("databases")[inject("driver")]));
  folder = await mkdtemp(join(tmpdir(), "load-test-"));
  recording = join(folder, "recorded.csv");
  // 40 calls, 500 ms apart: 10 times as fast they are 20 a second, for 2 s.
  const rows = Array.from(
    { length: 40 },
    (_, i) => `2023-11-16 18:17:${(i / 2).toFixed(7).padStart(10, "0")},${4_000 + i},10`,
  );
  await writeFile(recording, ["TIMESTAMP,ContextTokens,GeneratedTokens", ...rows].join("\n"));
}, 60_000);

afterAll(async () => {
  await worker.stop();
  await rm(folder, { recursive: true });
});

async function server(url: string): Promise<{ url: string; key: string; keyIsLocal: boolean }> {
  const db = database();
  const { key } = await createKey(db, await newProject(db), "test", ["ingest", "read"]);
  return { url, key, keyIsLocal: false };
}

type Trace = Record<string, unknown>;

interface Fault {
  /** What of a write reaches the ledger; the answer acknowledges all of it. */
  forget?: (traces: Trace[], write: number) => Trace[];
  /** Instead of the ledger's answer; `"cut"` breaks the connection. */
  answer?: (write: number) => number | "cut" | undefined;
}

/** The Worker behind a proxy that is not honest about writes. */
async function faulty({ forget = (traces) => traces, answer = () => undefined }: Fault) {
  let writes = 0;
  const proxy = createServer((request, response) => {
    void (async () => {
      const body = await text(request);
      const headers = { authorization: request.headers.authorization ?? "", "content-type": "application/json" };
      if (request.method !== "POST") {
        const answered = await fetch(worker.url + request.url, { headers });
        return response.writeHead(answered.status).end(await answered.text());
      }
      const write = ++writes;
      const traces = JSON.parse(body) as Trace[];
      const kept = forget(traces, write);
      await (await fetch(worker.url + request.url, { method: "POST", headers, body: JSON.stringify(kept) })).text();
      const instead = answer(write);
      if (instead === "cut") return response.destroy();
      return response.writeHead(instead ?? 200).end(JSON.stringify({ accepted: traces.length }));
    })();
  });
  await new Promise<void>((listening) => void proxy.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      proxy.closeAllConnections();
      await new Promise((closed) => proxy.close(closed));
    },
  };
}

const replay = async (url: string) => loadTest(await server(url), { replay: recording, speed: 10 }, undefined);

it("the seed's load for two seconds: 1,000 requests are due, and the ledger counts what it acknowledged", async () => {
  const report = await loadTest(await server(worker.url), { scenario: "seed" }, 2);
  expect(report.total.offered).toBe(1_000);
  expect(report.total.outcomes.ok + report.total.unsent).toBe(1_000);
  expect(report.total.outcomes.ok).toBeGreaterThan(0);
  expect(report.ledger).toMatchObject({ counted: report.ledger.acknowledged, open: 0, lost: 0, surplus: 0 });
  expect(report.faults).toEqual([]);
});

it("a replay sends each row once, at its pace", async () => {
  const report = await replay(worker.url);
  expect(report.stages).toMatchObject([{ offered: 40, unsent: 0 }]);
  // The last is due at 19.5 s / 10.
  expect(report.seconds.map(({ offered }) => offered).slice(0, 2)).toEqual([20, 20]);
  expect(report.ledger).toMatchObject({ acknowledged: 40, counted: 40, lost: 0 });
});

it("an acknowledged call that is not in the ledger is found", async () => {
  await using proxy = await faulty({ forget: (traces, write) => (write === 7 ? [] : traces) });
  const { ledger, faults } = await replay(proxy.url);
  expect(ledger).toMatchObject({ acknowledged: 40, counted: 39, lost: 1 });
  expect(faults).toEqual(["1 acknowledged calls are lost"]);
});

it("also where an unacknowledged one that was stored makes the sum look right", async () => {
  await using proxy = await faulty({
    forget: (traces, write) => (write === 7 ? [] : traces),
    answer: (write) => (write === 9 ? "cut" : undefined),
  });
  const { ledger, total } = await replay(proxy.url);
  expect(total.outcomes).toMatchObject({ ok: 39, failed: 1 });
  expect(ledger).toMatchObject({ acknowledged: 39, open: 1, counted: 39, lost: 1 });
});

it("calls counted twice are found", async () => {
  await using proxy = await faulty({
    forget: (traces, write) => (write === 7 ? [...traces, { ...traces[0], id: "again" }] : traces),
  });
  expect((await replay(proxy.url)).faults).toEqual(["1 calls more are counted than were sent"]);
});

it("429 and 503 count apart and are no fault; another 5xx is", async () => {
  const answers: Record<number, number> = { 3: 429, 5: 503, 6: 503 };
  await using proxy = await faulty({ answer: (write) => answers[write] });
  const { total, ledger, faults } = await replay(proxy.url);
  expect(total.outcomes).toMatchObject({ ok: 37, limited: 1, unavailable: 2, error: 0 });
  expect(ledger).toMatchObject({ acknowledged: 37, open: 3, counted: 40, lost: 0, surplus: 0 });
  expect(faults).toEqual([]);

  await using broken = await faulty({ answer: (write) => (write === 2 ? 500 : undefined) });
  expect((await replay(broken.url)).faults).toEqual(["1 answers were 5xx other than 503"]);
});

it("the command writes its report, which needs nothing from elsewhere, and exits with 1 on a loss", async () => {
  await using proxy = await faulty({ forget: (traces, write) => (write === 7 ? [] : traces) });
  const { url, key } = await server(proxy.url);
  const command = resolve(import.meta.dirname, "../../scripts/load-test.ts");
  const args = [
    "--replay",
    recording,
    "--speed",
    "20",
    "--duration",
    "1s",
    "--target",
    url,
    "--key",
    key,
    "--out",
    folder,
  ];
  const { code, stdout } = (await promisify(execFile)(process.execPath, [command, ...args]).catch(
    (error: unknown) => error,
  )) as { code?: number; stdout: string };
  expect(code).toBe(1);
  expect(stdout).toContain("WRONG: 1 acknowledged calls are lost");
  const html = await readFile(join(folder, "report.html"), "utf8");
  expect(html.match(/<svg /g)!.length).toBeGreaterThanOrEqual(3);
  expect(html).toContain("1 acknowledged calls are lost");
  expect(html).not.toMatch(/NaN|undefined|(?:src|href)=/);
  expect(JSON.parse(await readFile(join(folder, "report.json"), "utf8"))).toMatchObject({ ledger: { lost: 1 } });
}, 90_000);
