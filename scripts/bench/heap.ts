/**
 * What the isolate itself holds while it works, by V8's own count: the platform ends one that holds more than 128 MB.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Bench } from "./context.ts";
import { startBackground } from "./background.ts";
import { DAY_MS } from "../../src/time.ts";
import { DAYS } from "./history.ts";
import type { Measured } from "./report.ts";
import { freePort } from "../local/listen.ts";
import { inspect } from "./inspector.ts";
import { startWorkerd } from "./workerd.ts";

const LIMIT_MIB = 128;
const INGEST_MS = 10_000;
const EVERY_MS = 50;

interface HeapUsage {
  usedSize?: number;
  backingStorageSize?: number;
}

export async function benchHeap(bench: Bench): Promise<Measured[]> {
  bench.say("heap of the isolate at full ingest");
  const { key } = await bench.newProject();
  const { value: calls, most } = await mostHeap(bench, async (url) => {
    const background = await startBackground({ url, key, batch: 1_000, connections: 4 });
    await sleep(bench.scaled(INGEST_MS));
    return (await background.stop()).calls;
  });
  if (calls === 0) throw new Error("nothing was ingested");
  return [heapRow("ingest.heap", "most heap of the isolate at full ingest", most)];
}

/** Everything of a tenth of the longest history, as one download. */
export async function benchExport(bench: Bench): Promise<Measured[]> {
  const { key, endMs, traces } = await bench.history(bench.traces / 10);
  bench.say("exporting them");
  const beganMs = performance.now();
  const { value: lines, most } = await mostHeap(bench, async (url) => {
    const query = `from=${endMs - DAYS * DAY_MS}&to=${endMs}`;
    const { body } = await fetch(`${url}/v1/export?${query}`, { headers: { authorization: `Bearer ${key}` } });
    let lines = 0;
    for await (const chunk of body!) for (const byte of chunk as Uint8Array) if (byte === NEWLINE) lines++;
    return lines;
  });
  const seconds = (performance.now() - beganMs) / 1_000;
  if (lines !== traces) throw new Error(`exported ${lines} of ${traces} calls`);
  const of = `${traces.toLocaleString("en-US")} calls`;
  return [
    { id: "export.rate", name: `export of ${of}, NDJSON`, value: lines / seconds, unit: "calls/s" },
    heapRow("export.heap", "  most heap of the isolate meanwhile", most),
  ];
}

const NEWLINE = 10;

function heapRow(id: string, name: string, bytes: number): Measured {
  const value = bytes / 2 ** 20;
  return { id, name, value, unit: "MiB", ratio: value / LIMIT_MIB, to: "what an isolate may have" };
}

/**
 * In a Worker of its own: one that can be asked may be slower.
 *
 * @param work given the Worker's URL.
 * @returns what it returns, and the most bytes that the isolate held meanwhile.
 */
async function mostHeap<T>(bench: Bench, work: (url: string) => Promise<T>): Promise<{ value: T; most: number }> {
  const inspectorPort = await freePort();
  const worker = await startWorkerd(bench.bindings, undefined, undefined, inspectorPort);
  try {
    const inspector = await inspect(inspectorPort);
    const done = new AbortController();
    let most = 0;
    const watch = async (): Promise<void> => {
      while (!done.signal.aborted) {
        const { usedSize = 0, backingStorageSize = 0 } = await inspector.send<HeapUsage>("Runtime.getHeapUsage");
        most = Math.max(most, usedSize + backingStorageSize);
        await sleep(EVERY_MS);
      }
    };
    const watched = watch();
    const value = await work(worker.url).finally(() => done.abort());
    await watched;
    inspector.close();
    if (most === 0) throw new Error("the isolate was not found");
    return { value, most };
  } finally {
    await worker.stop();
  }
}
