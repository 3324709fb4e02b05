/** `npm run profile`: a short run finds our own functions under their names, at their places in the sources. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { SourceMap } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import { main } from "../../scripts/profile/command.ts";
import { parseProfileArgs } from "../../scripts/profile/options.ts";
import { SCENARIOS } from "../../scripts/profile/scenarios.ts";
import { type CallFrame, type CpuProfile, type HeapProfile, table, topOfCpu } from "../../scripts/profile/top.ts";

async function profiled(...args: string[]) {
  const out = await mkdtemp(join(tmpdir(), "profile-"));
  onTestFinished(() => rm(out, { recursive: true }));
  const ends = new AsyncDisposableStack();
  const lines = vi.spyOn(console, "log").mockImplementation(() => {});
  try {
    await main([...args, "--out", out], { ends } as never);
    const text = lines.mock.calls.flat().join("\n");
    const read = async <T>(extension: string): Promise<T> =>
      JSON.parse(await readFile(join(out, `${args[0]}.${extension}`), "utf8")) as T;
    return { text, cpu: await read<CpuProfile>("cpuprofile"), heap: await read<HeapProfile>("heapprofile") };
  } finally {
    lines.mockRestore();
    await ends.disposeAsync();
  }
}

it("finds the functions that decode and store calls, in CPU and heap", async () => {
  const { text, cpu, heap } = await profiled("ingest-native", "--seconds", "2", "--requests", "60", "--top", "200");
  const [, requests] = /^ingest-native: (\d+) requests in \d+\.\d s, \d+\/s\n/.exec(text) ?? [];
  expect(Number(requests)).toBeGreaterThan(0);
  expect(Number(requests)).toBeLessThanOrEqual(60);
  const [ofCpu = "", ofHeap = ""] = text.split("Allocated");
  expect(ofCpu).toMatch(/ms +\d+\.\d% {2}\w+ +src\/ingest\/decode\/native\.ts:\d+/);
  expect(ofHeap).toMatch(/MiB +\d+\.\d% {2}\w+ +src\/db\/array-literal\.ts:\d+/);
  const urls = new Set(cpu.nodes.map(({ callFrame }) => callFrame.url));
  expect([...urls].some((url) => url.startsWith("file:///") && url.endsWith("/src/ledger/buckets.ts"))).toBe(true);
  expect(cpu.samples.length).toBeGreaterThan(100);
  expect(heap.head.children.length).toBeGreaterThan(0);
});

it("adds up what a function takes by itself, without idle time", () => {
  const frame = (functionName: string): CallFrame => ({ functionName, url: "", lineNumber: -1, columnNumber: -1 });
  const map = new SourceMap({
    version: 3,
    file: "",
    sources: [],
    sourcesContent: [],
    names: [],
    mappings: "",
    sourceRoot: "",
  });
  const nodes = ["(root)", "(idle)", "a", "b", "a"].map((name, i) => ({ id: i + 1, callFrame: frame(name) }));
  const profile = { nodes, samples: [2, 3, 4, 5], timeDeltas: [500, 100, 300, 250], startTime: 0, endTime: 1_150 };
  const top = topOfCpu(profile, map);
  expect(top.map(({ name, self }) => [name, self])).toEqual([
    ["a", 350],
    ["b", 300],
  ]);
  // 350 of 650, not of 1,150.
  expect(table(top, 1, String)).toBe("         350  53.8%  a");
});

it("explains its scenarios, and refuses what it cannot do", () => {
  for (const name of Object.keys(SCENARIOS)) expect(() => parseProfileArgs(["--help"], {})).toThrow(name);
  expect(parseProfileArgs(["receipt"], {})).toMatchObject({ scenario: "receipt", seconds: 10 });
  expect(() => parseProfileArgs(["everything"], {})).toThrow("scenario");
  expect(() => parseProfileArgs([], {})).toThrow("scenario");
  expect(() => parseProfileArgs(["receipt", "--seconds", "0"], {})).toThrow("--seconds");
  expect(() => parseProfileArgs(["receipt"], { DATABASE_URL: "postgres://x" })).toThrow("unset DATABASE_URL");
});
