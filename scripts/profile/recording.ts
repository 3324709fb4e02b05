/** Records what the isolate does while it works. CPU and heap take turns: each would show up in the other's profile. */
import type { Inspector } from "../bench/inspector.ts";
import type { CpuProfile, HeapProfile } from "./top.ts";

const CPU_EVERY_US = 250;
const HEAP_EVERY_BYTES = 32_768;

export async function recordCpu(inspector: Inspector, work: () => Promise<void>): Promise<CpuProfile> {
  await inspector.send("Profiler.enable");
  await inspector.send("Profiler.setSamplingInterval", { interval: CPU_EVERY_US });
  await inspector.send("Profiler.start");
  await work();
  const { profile } = await inspector.send<{ profile: CpuProfile }>("Profiler.stop");
  return profile;
}

/** Of all that is allocated meanwhile, also of what is collected. */
export async function recordHeap(inspector: Inspector, work: () => Promise<void>): Promise<HeapProfile> {
  await inspector.send("HeapProfiler.enable");
  await inspector.send("HeapProfiler.startSampling", {
    samplingInterval: HEAP_EVERY_BYTES,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  await work();
  const { profile } = await inspector.send<{ profile: HeapProfile }>("HeapProfiler.stopSampling");
  return profile;
}

/** All that is reachable now, in the form of DevTools. */
export async function takeSnapshot(inspector: Inspector): Promise<string[]> {
  const chunks: string[] = [];
  inspector.on<{ chunk: string }>("HeapProfiler.addHeapSnapshotChunk", ({ chunk }) => chunks.push(chunk));
  await inspector.send("HeapProfiler.enable");
  await inspector.send("HeapProfiler.takeHeapSnapshot", { reportProgress: false });
  return chunks;
}
