import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { parseBenchArgs } from "../../scripts/bench/options.ts";
import { findServer } from "../../scripts/client/server.ts";
import { CommandError, HelpAsked } from "../../scripts/command.ts";
import { parseDemoArgs } from "../../scripts/demo/options.ts";
import { parseImportArgs } from "../../scripts/import/options.ts";

afterEach(() => void vi.unstubAllEnvs());

describe("npm run import", () => {
  it("reads the mapping, the defaults and the format", () => {
    const defaults = ["--model", "gpt-4o", "--set", "tags.team=search", "--timestamp-zone", "+02:00"];
    const columns = ["--map", "timestamp=TIME=STAMP", "--map", "input_tokens=In"];
    const options = parseImportArgs(["calls.csv", ...defaults, ...columns]);
    expect(options).toMatchObject({ file: "calls.csv", format: "csv", delimiter: ",", batch: 1000, concurrency: 4 });
    expect([...options.mapping.columns]).toEqual([
      ["timestamp", "TIME=STAMP"],
      ["input_tokens", "In"],
    ]);
    expect([...options.mapping.defaults]).toEqual([
      ["model", "gpt-4o"],
      ["tags.team", "search"],
    ]);
    expect(options.mapping.zoneMinutes).toBe(120);
  });

  it("tells the format by extension", () => {
    expect(parseImportArgs(["a.tsv"])).toMatchObject({ format: "csv", delimiter: "\t" });
    expect(parseImportArgs(["a.jsonl"])).toMatchObject({ format: "ndjson" });
    expect(parseImportArgs(["-", "--format", "ndjson"])).toMatchObject({ file: "-", format: "ndjson" });
    expect(() => parseImportArgs(["-"])).toThrow("Say --format csv or --format ndjson");
  });

  it.each([
    [[], "'file'"],
    [["a.csv", "b.csv"], "Expected 1 argument but got 2"],
    [["a.csv", "--bogus"], "--bogus"],
    [["a.csv", "--map", "tokens=In"], 'no field "tokens"'],
    [["a.csv", "--map", "model=A", "--map", "model=B"], "given twice"],
    [["a.csv", "--map", "model"], "--map"],
    [["a.csv", "--set", "model="], "must be FIELD=VALUE"],
    [["a.csv", "--set", "input_tokens=many"], "is not a whole number"],
    [["a.csv", "--set", "id=x"], "one call"],
    [["a.csv", "--batch", "5001"], "from 1 to 5000"],
    [["a.csv", "--timestamp-zone", "Berlin"], "--timestamp-zone"],
  ])("%j: says what is wrong", (args, sentence) => {
    const parse = () => parseImportArgs(args);
    expect(parse).toThrow(CommandError);
    expect(parse).toThrow(sentence);
  });

  it("explains every flag", () => {
    const help = () => parseImportArgs(["--help"]);
    expect(help).toThrow(HelpAsked);
    const flags = ["url", "key", "format", "delimiter", "map", "set", "model", "timestamp-zone", "id-prefix", "batch"];
    for (const flag of [...flags, "concurrency", "restart"]) expect(help).toThrow(`--${flag}`);
  });
});

describe("npm run demo", () => {
  it("ends with today, or with the day that is given", () => {
    const nowMs = Date.UTC(2026, 2, 31, 17);
    expect(parseDemoArgs([], nowMs)).toMatchObject({ days: 30, traces: 100_000, endMs: Date.UTC(2026, 3, 1) });
    expect(parseDemoArgs(["--end", "2026-01-31"], nowMs)).toMatchObject({ endMs: Date.UTC(2026, 1, 1) });
    expect(() => parseDemoArgs(["--end", "soon"], nowMs)).toThrow("--end");
    expect(() => parseDemoArgs(["--days", "731"], nowMs)).toThrow("'--days <n>' argument '731' is invalid");
    expect(() => parseDemoArgs(["--days", "731"], nowMs)).toThrow("a whole number from 1 to 730");
  });
});

describe("npm run bench", () => {
  const parse = (args: string[], env = {}) => parseBenchArgs(args, ["ingest", "merge", "http"], env);

  it("runs all parts, or those that are named, in their order", () => {
    expect(parse([])).toMatchObject({ parts: ["ingest", "merge", "http"], traces: 10_000_000 });
    expect(parse(["http", "ingest", "--traces", "20000", "--json", "a.json"])).toEqual({
      parts: ["ingest", "http"],
      traces: 20_000,
      minutes: 10,
      labels: 3,
      json: "a.json",
    });
    expect(() => parse(["import"])).toThrow("'import' is invalid");
  });

  it("takes its size from the environment, too", () => {
    vi.stubEnv("BENCH_TRACES", "30000");
    expect(parse([]).traces).toBe(30_000);
    for (const traces of ["9900", "10050", "many"]) {
      vi.stubEnv("BENCH_TRACES", traces);
      expect(() => parse([])).toThrow("BENCH_TRACES");
    }
  });

  it("refuses a Postgres that is not its own", () => {
    expect(() => parse([], { DATABASE_URL: "postgres://a" })).toThrow("DATABASE_URL");
  });
});

describe("findServer", () => {
  const NOWHERE = "/nonexistent";

  it("takes flags before the environment", () => {
    vi.stubEnv("LLM_COST_URL", "https://a.example");
    vi.stubEnv("LLM_COST_KEY", "k");
    expect(parseImportArgs(["a.csv"])).toMatchObject({ url: "https://a.example", key: "k" });
    const flags = ["--url", "https://b.example/", "--key", "l"];
    expect(parseImportArgs(["a.csv", ...flags])).toMatchObject({ url: "https://b.example/", key: "l" });
    expect(() => parseImportArgs(["a.csv", "--url", "nonsense"])).toThrow("--url");
    vi.stubEnv("LLM_COST_URL", "nonsense");
    expect(() => parseImportArgs(["a.csv"])).toThrow("LLM_COST_URL");
  });

  it("takes what is given, and the key of the dev server for that alone", async () => {
    const given = { url: "https://b.example/", key: "l" };
    await expect(findServer(given, NOWHERE)).resolves.toEqual({
      url: "https://b.example",
      key: "l",
      keyIsLocal: false,
    });
    const folder = await mkdtemp(join(tmpdir(), "find-server-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, "dev.json"), JSON.stringify({ url: "http://127.0.0.1:8787", apiKey: "dev" }));
    await expect(findServer({}, folder)).resolves.toMatchObject({ key: "dev", keyIsLocal: true });
    await expect(findServer({ url: given.url }, folder)).rejects.toThrow("give --key");
  });

  it("says how to give what is missing", async () => {
    await expect(findServer({}, NOWHERE)).rejects.toThrow('Start one with "npm run dev"');
    await expect(findServer({ url: "https://a.example" }, NOWHERE)).rejects.toThrow("give --key");
  });
});
