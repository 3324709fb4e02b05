import { describe, expect, it } from "vitest";
import { parseDemoArgs } from "../../scripts/demo/options.ts";
import { CommandError } from "../../scripts/command.ts";
import { IMPORT_HELP } from "../../scripts/import/help.ts";
import { parseImportArgs } from "../../scripts/import/options.ts";
import { findServer } from "../../scripts/import/server.ts";

describe("npm run import", () => {
  it("reads the mapping, the defaults and the format", () => {
    const defaults = ["--model", "gpt-4o", "--set", "tags.team=search", "--timestamp-zone", "+02:00"];
    const columns = ["--map", "timestamp=TIME=STAMP", "--map", "input_tokens=In"];
    const options = parseImportArgs(["calls.csv", ...defaults, ...columns])!;
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
    [[], "Which file?"],
    [["a.csv", "b.csv"], "One file at a time"],
    [["a.csv", "--bogus"], "--bogus"],
    [["a.csv", "--map", "tokens=In"], 'no field "tokens"'],
    [["a.csv", "--map", "model=A", "--map", "model=B"], "given twice"],
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
    expect(parseImportArgs(["--help"])).toBeUndefined();
    const flags = ["url", "key", "format", "delimiter", "map", "set", "model", "timestamp-zone", "id-prefix", "batch"];
    for (const flag of [...flags, "concurrency", "restart"]) expect(IMPORT_HELP).toContain(`--${flag}`);
  });
});

describe("npm run demo", () => {
  it("ends with today, or with the day that is given", () => {
    const nowMs = Date.UTC(2026, 2, 31, 17);
    expect(parseDemoArgs([], nowMs)).toMatchObject({ days: 30, traces: 100_000, endMs: Date.UTC(2026, 3, 1) });
    expect(parseDemoArgs(["--end", "2026-01-31"], nowMs)).toMatchObject({ endMs: Date.UTC(2026, 1, 1) });
    expect(() => parseDemoArgs(["--end", "soon"], nowMs)).toThrow("--end");
  });
});

describe("findServer", () => {
  const nowhere = { DATA_DIR: "/nonexistent" };

  it("takes flags before the environment", async () => {
    const env = { ...nowhere, LLM_COST_URL: "https://a.example", LLM_COST_KEY: "k" };
    await expect(findServer({}, env)).resolves.toEqual({ url: "https://a.example", key: "k", keyIsLocal: false });
    await expect(findServer({ url: "https://b.example/", key: "l" }, env)).resolves.toMatchObject({
      url: "https://b.example",
      key: "l",
    });
  });

  it("says how to give what is missing", async () => {
    await expect(findServer({}, nowhere)).rejects.toThrow('Start one with "npm run dev"');
    await expect(findServer({ url: "https://a.example" }, nowhere)).rejects.toThrow("give --key");
    await expect(findServer({ url: "nonsense" }, nowhere)).rejects.toThrow("no http(s) URL");
  });
});
