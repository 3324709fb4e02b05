/** The development database comes back by itself, however long that takes. */
import { execFileSync } from "node:child_process";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startPostgres } from "../../scripts/local/postgres.ts";

/** Longer than the first pauses between two tries together. */
const LONG_MS = 8_000;

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "llm-cost-postgres-"));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

async function ask(url: string, statement: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}
const outcome = (url: string, statement: string) => ask(url, statement).catch((error: Error) => error.message);
const passing = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

it("tries to start again until it can, and says once why it cannot", async () => {
  const heard: string[] = [];
  const postgres = await startPostgres({ dataDir, onEvent: (sentence) => heard.push(sentence) });
  await using ends = new AsyncDisposableStack();
  ends.defer(postgres.stop);
  const control = join(dataDir, "postgres", "global", "pg_control");
  await rename(control, `${control}.away`);
  process.kill(postgres.pid(), "SIGKILL");
  await passing(LONG_MS);
  expect(heard).toEqual([expect.stringMatching(/^Postgres cannot start from .*pg_control.* It is tried again until/)]);

  await rename(`${control}.away`, control);
  await expect.poll(() => outcome(postgres.url, "select 1 as one"), { timeout: 20_000 }).toEqual([{ one: 1 }]);
  expect(heard.slice(1)).toEqual(["Postgres had ended by itself and was started again."]);
});

// Processes of the killed server hold its memory until their statements end. Only Linux tells which they are.
it.skipIf(process.platform !== "linux")("does not wait for the statements of a killed server", async () => {
  const postgres = await startPostgres({ dataDir, onEvent: () => {} });
  await using ends = new AsyncDisposableStack();
  ends.defer(postgres.stop);
  const busy = outcome(postgres.url, "set statement_timeout = 0; select count(*) from generate_series(1, 10000000000)");
  await passing(500);
  process.kill(postgres.pid(), "SIGKILL");
  await passing(100);
  await expect.poll(() => outcome(postgres.url, "select 1 as one"), { timeout: 15_000 }).toEqual([{ one: 1 }]);
  expect(await busy).toMatch(/terminated|closed|reset/i);
});

describe.skipIf(!canMount())("on a disk that fills up", () => {
  beforeEach(() => void execFileSync("mount", ["-t", "tmpfs", "-o", "size=200m", "tmpfs", dataDir]));
  afterEach(() => void execFileSync("umount", [dataDir]));

  it("loses nothing, says what is wrong, and goes on once there is room", { timeout: 120_000 }, async () => {
    const heard: string[] = [];
    const postgres = await startPostgres({ dataDir, onEvent: (sentence) => heard.push(sentence) });
    await using ends = new AsyncDisposableStack();
    ends.defer(postgres.stop);
    await ask(postgres.url, "create table kept (id int, filler text)");
    const filler = join(dataDir, "filler");
    await writeFile(filler, Buffer.alloc(120 * 1024 * 1024)).catch(() => {});
    let stored = 0;
    const insert = "insert into kept select 1, repeat(md5(random()::text), 30) from generate_series(1, 1000)";
    while (Array.isArray(await outcome(postgres.url, insert))) stored += 1_000;
    // All that asks for a new segment of the log fails then, and the server ends.
    for (let i = 0; i < 20 && heard.length === 0; i++)
      await outcome(postgres.url, "select pg_switch_wal(); checkpoint");
    await passing(LONG_MS);

    await rm(filler);
    const count = "select count(*)::int as stored from kept";
    await expect.poll(() => outcome(postgres.url, count), { timeout: 20_000 }).toEqual([{ stored }]);
    await ask(postgres.url, insert);
    expect(heard.join("\n")).toMatch(/the disk that holds \S+ is full\. Make room there/);
    expect(heard.join("\n")).not.toMatch(/delete/i);
  });
});

function canMount(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  try {
    execFileSync("unshare", ["-m", "mount", "-t", "tmpfs", "tmpfs", tmpdir()], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
