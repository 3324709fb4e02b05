/** `npm run profile`, from its flags to its files. */
import { mkdir, writeFile } from "node:fs/promises";
import { SourceMap } from "node:module";
import { join, resolve } from "node:path";
import { inspect } from "../bench/inspector.ts";
import { startSubject } from "../bench/subject.ts";
import { connect, type Ledger, type Request } from "../client/ledger.ts";
import { runLoad } from "../client/load.ts";
import { dataDir } from "../client/server.ts";
import type { Lifetime } from "../command.ts";
import { freePort } from "../local/listen.ts";
import { parseProfileArgs } from "./options.ts";
import { recordCpu, recordHeap, takeSnapshot } from "./recording.ts";
import { fillPast, type Scenario, SCENARIOS } from "./scenarios.ts";
import { type HeapNode, inSources, table, topOfCpu, topOfHeap } from "./top.ts";

const CHECKOUT = resolve(import.meta.dirname, "../..");
/** So that V8 has compiled what is hot. */
const WARM_UP_SECONDS = 1;
const MOST_HEAP_SECONDS = 5;

export async function main(args: readonly string[], { ends }: Lifetime): Promise<void> {
  const { scenario, seconds, requests, connections, top, snapshot, out } = parseProfileArgs(args);
  const folder = out ?? join(dataDir(process.env), "profiles");
  await mkdir(folder, { recursive: true });
  const file = (extension: string): string => join(folder, `${scenario}.${extension}`);
  const inspectorPort = await freePort();
  const subject = await startSubject(file("log"), inspectorPort);
  ends.defer(subject.stop);
  const { key } = await subject.newProject();
  const ledger = ends.use(connect({ url: subject.url, key }));
  const past = await fillPast(ledger, Date.now());
  const { status } = await ledger.send({ path: "/bench/cron" });
  if (status !== 200) throw new Error(`cron: ${status}`);
  const { prepare }: Scenario = SCENARIOS[scenario];
  const nextRequest = await prepare(ledger, past);
  const load = (limit: number) => drive(ledger, nextRequest, { seconds: limit, requests, connections });

  await load(Math.min(WARM_UP_SECONDS, seconds));
  const map = new SourceMap(await subject.sourceMap());
  const inspector = await inspect(inspectorPort);
  ends.defer(async () => inspector.close());
  let driven: Driven = { requests: 0, seconds: 0 };
  const cpu = await recordCpu(inspector, async () => void (driven = await load(seconds)));
  const heap = await recordHeap(inspector, async () => void (await load(Math.min(seconds, MOST_HEAP_SECONDS))));

  const shownNodes = cpu.nodes.map((node) => ({ ...node, callFrame: inSources(node.callFrame, map, CHECKOUT) }));
  await writeFile(file("cpuprofile"), JSON.stringify({ ...cpu, nodes: shownNodes }));
  const shownTree = (node: HeapNode): HeapNode => ({
    ...node,
    callFrame: inSources(node.callFrame, map, CHECKOUT),
    children: node.children.map(shownTree),
  });
  await writeFile(file("heapprofile"), JSON.stringify({ ...heap, head: shownTree(heap.head) }));
  const files = [file("cpuprofile"), file("heapprofile")];
  if (snapshot) {
    await writeFile(file("heapsnapshot"), await takeSnapshot(inspector));
    files.push(file("heapsnapshot"));
  }
  const rate = Math.round(driven.requests / driven.seconds).toLocaleString("en-US");
  console.log(
    [
      `${scenario}: ${driven.requests.toLocaleString("en-US")} requests in ${driven.seconds.toFixed(1)} s, ${rate}/s`,
      `CPU, by self time:\n${table(topOfCpu(cpu, map), top, (us) => `${(us / 1_000).toFixed(1)} ms`)}`,
      `Allocated, also what was collected:\n${table(topOfHeap(heap, map), top, (bytes) => `${(bytes / 2 ** 20).toFixed(2)} MiB`)}`,
      `Open in Chrome's DevTools or VS Code:\n${files.map((name) => `  ${name}`).join("\n")}`,
    ].join("\n\n"),
  );
}

interface Driven {
  requests: number;
  seconds: number;
}

/** As many requests as the connections carry, up to the limits. @throws unless all are answered with 200. */
async function drive(
  ledger: Ledger,
  nextRequest: () => Request,
  { seconds, requests, connections }: Driven & { connections: number },
): Promise<Driven> {
  const clock = (): number => performance.now();
  const beganMs = clock();
  const endMs = beganMs + seconds * 1_000;
  let sent = 0;
  await runLoad({
    ledger,
    clock,
    schedules: Array.from({ length: connections }, () => atOnce(beganMs)),
    nextRequest() {
      if (sent >= requests || clock() >= endMs) return undefined;
      sent++;
      return nextRequest();
    },
    endMs: Number.POSITIVE_INFINITY,
    onAnswer({ path }, answer) {
      if (answer?.status !== 200)
        throw new Error(`${path}: ${answer ? `${answer.status} ${String(answer.body).slice(0, 300)}` : "no answer"}`);
    },
  });
  return { requests: sent, seconds: (clock() - beganMs) / 1_000 };
}

/** Always due. */
function* atOnce(ms: number): Generator<number, void> {
  for (;;) yield ms;
}
