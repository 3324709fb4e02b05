/**
 * Breaks the ledger on purpose, in a copy, and runs the fault harness on it: `npm run test:mutants`, or with `-- disk`
 * the mutants with that in their name or file. Each must make the harness fail, or the test that it names. A mutant whose place
 * is gone from the source is an error.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { MERGING_MUTANTS } from "./mutants-merging.ts";

export interface Mutant {
  name: string;
  file: string;
  from: string;
  to: string;
  /** What a quick test notices, or no fault shows. */
  test?: { project: "node" | "worker"; file: string };
}

const MUTANTS: Mutant[] = [
  {
    name: "a commit does not wait for the disk",
    file: "scripts/local/postgres-server.ts",
    from: `jit: "off",`,
    to: `jit: "off", synchronous_commit: "off", wal_writer_delay: "10s",`,
  },
  {
    name: "merging takes rows out in one statement and puts their sums back in another",
    file: "src/rollup/merge.ts",
    from: "const [, [row] = []] = await db.batch([settings, statement]);",
    to: `await db.query(sql\`update rollup set project_id = gen_random_uuid(), label = label || project_id::text where level = 0\`).catch(() => []);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await db.query(sql\`update rollup set project_id = right(label, 36)::uuid, label = left(label, -36) where level = 0 and length(label) > 36\`);
  const [, [row] = []] = await db.batch([settings, statement]);`,
  },
  {
    name: "rollups count what was sent, not what was stored",
    file: "src/write/insert.ts",
    from: "on conflict do nothing\n  returning id",
    to: "on conflict (project_id, id) do update set id = excluded.id\n  returning id",
  },
  {
    name: "calls are written in the order in which they were sent",
    file: "src/write/write-batch.ts",
    from: "const sorted = batch.toSorted(",
    to: "const sorted = true ? [...batch] : batch.toSorted(",
  },
  {
    name: "no write moves the epoch",
    file: "src/epoch.ts",
    from: "if (!touchesClosedHour(earliestMs, now()) || (await moveEpoch(redis, projectId))) return;",
    to: "if (earliestMs > 0) return;",
  },
  {
    name: "a message is acknowledged before its calls are stored",
    file: "src/queue/consume.ts",
    from: "  try {\n    const outcomes = await recordCalls(",
    to: "  for (const message of messages) message.ack();\n  try {\n    const outcomes = await recordCalls(",
  },
  ...MERGING_MUTANTS,
];

const root = resolve(import.meta.dirname, "../..");
const COPIED = [
  "src",
  "scripts",
  "test",
  "drizzle",
  "dist",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "wrangler.toml",
  "vitest.config.ts",
];
const [, , only = ""] = process.argv;
const mutants = MUTANTS.filter(({ name, file }) => name.includes(only) || file.includes(only));
if (mutants.length === 0) throw new Error(`no mutant has "${only}" in its name or file`);
let survived = 0;
for (const { name, file, from, to, test } of mutants) {
  const copy = mkdtempSync(join(tmpdir(), "llm-cost-mutant-"));
  try {
    for (const entry of COPIED) {
      if (existsSync(join(root, entry))) cpSync(join(root, entry), join(copy, entry), { recursive: true });
    }
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
    const source = readFileSync(join(copy, file), "utf8");
    if (source.split(from).length !== 2) throw new Error(`${file} has no single place for "${name}"`);
    writeFileSync(
      join(copy, file),
      source.replace(from, () => to),
    );
    const said = test ? failedTests(copy, test) : brokenPromises(copy, file);
    const killed = said.broken.length > 0;
    if (!killed) survived++;
    console.log(
      `${killed ? "noticed " : "SURVIVED"} ${name}\n  ${killed ? said.broken[0]!.trim() : said.output.slice(-600)}`,
    );
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
console.log(`${mutants.length - survived} of ${mutants.length} noticed`);
process.exitCode = survived > 0 ? 1 : 0;

interface Said {
  broken: string[];
  output: string;
}

function brokenPromises(copy: string, file: string): Said {
  const mode = file.includes("queue") ? "queue" : "neon";
  const args = ["test/faults/run.ts", "--mode", mode, "--minutes", "1.5", "--calls", "1000", "--seed", "5"];
  return saidBy(copy, args, /^BROKEN/);
}

function failedTests(copy: string, { project, file }: NonNullable<Mutant["test"]>): Said {
  return saidBy(copy, ["node_modules/vitest/vitest.mjs", "run", "--project", project, file], /^ *FAIL /);
}

/** What ends in another way than by a broken promise or a failed test shows nothing. */
function saidBy(copy: string, args: readonly string[], broken: RegExp): Said {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: copy,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  });
  const lines = `${stdout}\n${stderr}`.split("\n");
  return { broken: status === 1 ? lines.filter((line) => broken.test(line)) : [], output: stdout + stderr };
}
