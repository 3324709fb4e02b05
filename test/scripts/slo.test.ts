import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { CommandError, HelpAsked } from "../../scripts/command.ts";
import { createRecorder, figures, type Recorder } from "../../scripts/load-test/record.ts";
import { listenHttp } from "../../scripts/local/http-server.ts";
import { OBJECTIVES } from "../../scripts/monitoring/objectives.ts";
import { levelsOfLoadTest } from "../../scripts/slo/from-load-test.ts";
import { levelsOfPrometheus } from "../../scripts/slo/from-prometheus.ts";
import { levelOf } from "../../scripts/slo/level.ts";
import { parseSloArgs } from "../../scripts/slo/options.ts";
import { reportOf } from "../../scripts/slo/report.ts";

const availability = OBJECTIVES.find(({ name }) => name === "availability")!;

describe("the flags", () => {
  it("takes a Prometheus or a record, and 30 days", () => {
    expect(parseSloArgs(["--prometheus", "http://127.0.0.1:9090"])).toMatchObject({ window: "30d", job: "llm-cost.*" });
    expect(parseSloArgs(["--load-test", "report.json"])).toMatchObject({ loadTest: "report.json" });
    expect(() => parseSloArgs(["--help"])).toThrow(HelpAsked);
  });

  it.each([
    [[], "Give either --prometheus or --load-test"],
    [["--prometheus", "http://a", "--load-test", "b"], "--load-test"],
    [["--prometheus", "ftp://a"], "an http(s) URL"],
    [["--prometheus", "http://a", "--window", "0d"], "--window"],
    [["--prometheus", "http://a", "--job", 'a"} or b{'], "--job"],
  ])("%j: says what is wrong", (args, sentence) => {
    expect(() => parseSloArgs(args)).toThrow(CommandError);
    expect(() => parseSloArgs(args)).toThrow(sentence);
  });
});

describe("a level", () => {
  it("has half of its budget left at 0.05% of 0.1%", () => {
    expect(levelOf(availability, "j", 0.0005)).toMatchObject({ kept: true, good: 0.9995, budgetLeft: 0.5 });
  });

  it("is kept exactly at the target, and missed above it", () => {
    expect(levelOf(availability, "j", 0.001)).toMatchObject({ kept: true, budgetLeft: 0 });
    expect(levelOf(availability, "j", 0.0011)).toMatchObject({ kept: false });
  });

  it("is not known if nothing was measured", () => {
    for (const bad of [null, Number.NaN])
      expect(levelOf(availability, "j", bad)).toMatchObject({ kept: null, good: null, budgetLeft: null });
  });

  it("is cut in the report, so that 99.89996% is not 99.9%", () => {
    const report = reportOf([levelOf(availability, "llm-cost", 0.0010004)], "last 30d");
    expect(report).toMatch(/availability {2}llm-cost {2}99\.9% {3}99\.899% {2}-0\.1% +MISSED/);
  });
});

describe("the record of a load test", () => {
  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "llm-cost-slo-"))));
  afterAll(() => rm(folder, { recursive: true }));

  const levelsOf = async (fill: (recorder: Recorder) => void) => {
    const recorder = createRecorder();
    fill(recorder);
    const kinds = Object.fromEntries([...recorder.kinds].map(([kind, tally]) => [kind, figures(tally)]));
    const file = join(folder, "report.json");
    await writeFile(file, JSON.stringify({ name: "normal", total: figures(recorder.total), kinds }));
    return levelsOfLoadTest(file);
  };
  const took = (ms: number) => ({ dueMs: 0, sentMs: 0, doneMs: ms });

  it("counts 2 of 1,000 without a good answer as 99.8%, and judges latencies by their p99", async () => {
    const levels = await levelsOf((recorder) => {
      for (let i = 0; i < 498; i++) recorder.answered("write", "ok", took(10));
      recorder.answered("write", "error", took(10));
      recorder.answered("write", "failed", took(10));
      for (let i = 0; i < 400; i++) recorder.answered("summary", "ok", took(400));
      for (let i = 0; i < 98; i++) recorder.answered("list", "ok", took(400));
      for (let i = 0; i < 2; i++) recorder.answered("list", "limited", took(600));
    });
    expect(levels.map(({ name, job, kept, good }) => [name, job, kept, good])).toEqual([
      ["availability", "normal", false, 0.998],
      ["ingest_latency", "normal: write", true, null],
      ["read_latency", "normal: summary", true, null],
      ["read_latency", "normal: list", false, null],
    ]);
    expect(levels[0]!.note).toBe("2 of 1000");
    expect(levels[3]!.note).toMatch(/^p99 is 60\d\.\d ms, at most 500 ms$/);
  });

  it("knows nothing if nothing was sent", async () => {
    expect((await levelsOf(() => {})).map(({ kept }) => kept)).toEqual([null, null, null]);
  });

  it("says so if the file is not there, or is another", async () => {
    const other = join(folder, "other.json");
    await writeFile(other, "{}");
    await expect(levelsOfLoadTest(other)).rejects.toThrow("is no report of a load test");
    await expect(levelsOfLoadTest(join(folder, "none.json"))).rejects.toThrow("is not there");
  });
});

describe("a Prometheus", () => {
  const answering = async (status: number, body: string) => {
    const server = await listenHttp((_, response) => void response.writeHead(status).end(body));
    onTestFinished(() => server.close());
    return levelsOfPrometheus(server.url, "30d", "llm-cost.*");
  };

  it("has one level an objective and job, or none that is known", async () => {
    const result = ["a", "b"].map((job) => ({ metric: { job }, value: [0, "0.5"] }));
    const levels = await answering(200, JSON.stringify({ data: { result } }));
    expect(levels.map(({ name, job }) => `${name} ${job}`)).toContain("read_latency b");
    expect(levels).toHaveLength(2 * OBJECTIVES.length);
    const none = await answering(200, JSON.stringify({ data: { result: [] } }));
    expect(none.map(({ kept, job }) => [kept, job])).toEqual(OBJECTIVES.map(() => [null, "llm-cost.*"]));
  });

  it("says what it answered instead", async () => {
    await expect(answering(400, "bad_data")).rejects.toThrow("answers 400: bad_data");
    await expect(answering(200, "<html>")).rejects.toThrow("does not answer as a Prometheus does");
  });
});
