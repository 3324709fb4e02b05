/** What the isolate itself holds at full ingest, by V8's own count: the platform ends one that holds more than 128 MB. */
import type { Bench } from "./context.ts";
import { startBackground } from "./background.ts";
import type { Measured } from "./report.ts";
import { freePort, startWorkerd } from "./workerd.ts";

const LIMIT_MIB = 128;
const INGEST_MS = 10_000;
const EVERY_MS = 50;

/** In a Worker of its own: one that can be asked may be slower. */
export async function benchHeap(bench: Bench): Promise<Measured[]> {
  bench.say("heap of the isolate at full ingest");
  const inspectorPort = await freePort();
  const worker = await startWorkerd(bench.bindings, undefined, undefined, inspectorPort);
  try {
    const { key } = await bench.newProject();
    const inspector = await inspect(inspectorPort);
    const background = await startBackground({ url: worker.url, key, batch: 1_000, connections: 4 });
    let most = 0;
    for (const endMs = Date.now() + bench.scaled(INGEST_MS); Date.now() < endMs;) {
      most = Math.max(most, await inspector.heapBytes());
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
    const { calls } = await background.stop();
    inspector.close();
    if (calls === 0 || most === 0) throw new Error("nothing was ingested, or the isolate was not found");
    const value = most / 2 ** 20;
    return [
      {
        id: "ingest.heap",
        name: "most heap of the isolate at full ingest",
        value,
        unit: "MiB",
        ratio: value / LIMIT_MIB,
        to: "what an isolate may have",
      },
    ];
  } finally {
    await worker.stop();
  }
}

/** V8's inspector, as DevTools speak to it. */
async function inspect(port: number): Promise<{ heapBytes(): Promise<number>; close(): void }> {
  const [target] = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as { webSocketDebuggerUrl: string }[];
  const socket = new WebSocket(target!.webSocketDebuggerUrl);
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", () => reject(new Error("the inspector does not answer")));
  });
  let id = 0;
  return {
    heapBytes: () =>
      new Promise((resolve) => {
        const own = ++id;
        socket.addEventListener("message", function answered({ data }) {
          const answer = JSON.parse(String(data)) as { id?: number; result?: Record<string, number> };
          if (answer.id !== own) return;
          socket.removeEventListener("message", answered);
          const { usedSize = 0, backingStorageSize = 0 } = answer.result ?? {};
          resolve(usedSize + backingStorageSize);
        });
        socket.send(JSON.stringify({ id: own, method: "Runtime.getHeapUsage" }));
      }),
    close: () => socket.close(),
  };
}
