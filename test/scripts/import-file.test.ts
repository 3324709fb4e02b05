import { appendFile, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { connect } from "../../scripts/client/ledger.ts";
import { startTally } from "../../scripts/client/tally.ts";
import { importFile } from "../../scripts/import/import-file.ts";
import { parseImportArgs } from "../../scripts/import/options.ts";
import { startFakeLedger, type FakeLedger } from "./fake-ledger.ts";

const row = (i: number) => `${1_767_225_600 + (i >> 1)},${i % 7}`;
const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `${row(from + i)}\n`).join("");
/** Of rows 0 to 99: 14 full weeks of 0 + … + 6, then 0 and 1. */
const SUM_OF_100 = 14 * 21 + 1;

async function startImport(content: string) {
  const folder = await mkdtemp(join(tmpdir(), "import-test-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "calls.csv");
  await writeFile(file, content);
  const run = async (ledger: FakeLedger, flags: string[] = [], interrupted = () => false) => {
    const options = parseImportArgs([
      file,
      "--batch",
      "10",
      "--concurrency",
      "1",
      "--model",
      "gpt-4o",
      "--map",
      "timestamp=at",
      "--map",
      "input_tokens=in",
      ...flags,
    ]);
    const tally = startTally();
    const server = { url: ledger.url, key: "k", keyIsLocal: false };
    const outcome = await importFile(options, {
      server,
      ledger: connect(server),
      dataDir: folder,
      tally,
      interrupted,
    }).then(
      (imported) => imported,
      (error: Error) => error,
    );
    return { tally, outcome };
  };
  return { folder, file, run };
}

function sumOf(ledger: FakeLedger): number {
  return [...ledger.calls.values()].reduce((sum, { input_tokens }) => sum + (input_tokens ?? 0), 0);
}

describe("importFile", () => {
  it("adds every row once, and none when run again", async () => {
    await using ledger = await startFakeLedger();
    const { run, folder } = await startImport(`at,in\n${rows(0, 100)}`);
    const first = await run(ledger, ["--concurrency", "4"]);
    expect(first.tally).toMatchObject({ accepted: 100, inserted: 100, duplicates: 0, rejected: 0 });
    const second = await run(ledger);
    expect(second.tally).toMatchObject({ accepted: 100, inserted: 0, duplicates: 100, rejected: 0 });
    expect(sumOf(ledger)).toBe(SUM_OF_100);
    expect(await readdir(join(folder, "import")).catch(() => [])).toEqual([]);
  });

  it("adds of a file that was appended to only what is new", async () => {
    await using ledger = await startFakeLedger();
    const { run, file } = await startImport(`at,in\n${rows(0, 40)}`);
    await run(ledger);
    await appendFile(file, rows(40, 100));
    expect((await run(ledger)).tally).toMatchObject({ inserted: 60, duplicates: 40 });
    expect(sumOf(ledger)).toBe(SUM_OF_100);
  });

  it("goes on where it was stopped, with the same sums", async () => {
    await using ledger = await startFakeLedger();
    const { run } = await startImport(`at,in\n${rows(0, 100)}`);
    ledger.fail = (request) => (request === 5 ? { status: 403 } : undefined);
    const stopped = await run(ledger);
    expect(String(stopped.outcome)).toContain("403");
    expect(stopped.tally).toMatchObject({ accepted: 40 });

    const { tally, outcome } = await run(ledger);
    expect(outcome).toEqual({ earlier: { rows: 40, refused: 0 }, complete: true });
    // 4 requests and the one that failed, then only the other 60 rows.
    expect(ledger.requests).toEqual(Array.from({ length: 11 }, () => 10));
    expect(tally).toMatchObject({ accepted: 60, inserted: 60, duplicates: 0 });
    expect(sumOf(ledger)).toBe(SUM_OF_100);
  });

  it("finishes what is under way when interrupted, and remembers it", async () => {
    await using ledger = await startFakeLedger();
    const { run } = await startImport(`at,in\n${rows(0, 100)}`);
    const { outcome } = await run(ledger, [], () => ledger.requests.length >= 3);
    expect(outcome).toMatchObject({ complete: false });
    expect(ledger.calls.size).toBe(30);
    expect((await run(ledger)).outcome).toEqual({ earlier: { rows: 30, refused: 0 }, complete: true });
    expect(sumOf(ledger)).toBe(SUM_OF_100);
  });

  it("sends all of it with --restart, to another server, or when the file's beginning changed", async () => {
    await using ledger = await startFakeLedger();
    await using other = await startFakeLedger();
    const { run, file } = await startImport(`at,in\n${rows(0, 100)}`);
    const stop = () => run(ledger, ["--restart"], () => ledger.requests.length % 10 >= 3);
    await stop();
    expect((await run(other)).tally).toMatchObject({ inserted: 100 });
    expect((await run(ledger, ["--restart"])).tally).toMatchObject({ inserted: 70, duplicates: 30 });

    ledger.requests.length = 0;
    await stop();
    await writeFile(file, `at,in\n${rows(1, 100)}`);
    expect((await run(ledger)).tally).toMatchObject({ accepted: 99, inserted: 0, duplicates: 99 });
  });

  it("lists bad rows by line, remembers them when interrupted, and sends the others", async () => {
    await using ledger = await startFakeLedger();
    const { run } = await startImport(`at,in\n${rows(0, 5)}never,1\n${row(5)}5\n${row(6)}.5\n${rows(7, 100)}`);
    const { tally } = await run(ledger, [], () => ledger.requests.length >= 2);
    expect(tally.rejected).toBe(2);
    expect(tally.report().join("\n")).toMatch(/line 7: timestamp: "never" .*\n {2}line 9: input_tokens: "6\.5" is not/);
    expect((await run(ledger)).outcome).toMatchObject({ earlier: { rows: 22, refused: 2 }, complete: true });
  });

  it("says at once which columns there are when one is missing", async () => {
    await using ledger = await startFakeLedger();
    const { run } = await startImport("time,in\n1,2\n");
    expect(String((await run(ledger)).outcome)).toContain("The file has the columns time, in.");
    expect(ledger.requests).toEqual([]);
  });
});
