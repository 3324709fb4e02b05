/** Folders of migrations for tests: those of this version up to one, or made-up ones. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { onTestFinished } from "vitest";

interface Journal {
  entries: { idx: number; version: string; when: number; tag: string; breakpoints: boolean }[];
}

const DRIZZLE = resolve(import.meta.dirname, "../drizzle");

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "migrations-"));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  await cp(DRIZZLE, made, { recursive: true });
  return made;
}

async function withEntries(made: string, of: (entries: Journal["entries"]) => Journal["entries"]): Promise<string> {
  const file = join(made, "meta/_journal.json");
  const journal = JSON.parse(await readFile(file, "utf8")) as Journal;
  await writeFile(file, JSON.stringify({ ...journal, entries: of(journal.entries) }));
  return made;
}

/** The migrations up to this one. */
export async function migrationsTo(tag: string): Promise<string> {
  return await withEntries(await folder(), (entries) => {
    const last = entries.findIndex((entry) => entry.tag === tag);
    if (last < 0) throw new Error(`there is no migration ${tag}`);
    return entries.slice(0, last + 1);
  });
}

/**
 * All migrations, where the statements of some are written so that they may have run before.
 *
 * @returns the folder, and these statements.
 */
export async function migrationsAfter(...tags: string[]): Promise<{ folder: string; statements: string[] }> {
  const made = await folder();
  const statements: string[] = [];
  for (const tag of tags) {
    const file = join(made, `${tag}.sql`);
    const again = (await readFile(file, "utf8"))
      .replaceAll("ADD COLUMN ", "ADD COLUMN IF NOT EXISTS ")
      .replaceAll(/(ALTER TABLE \S+) (ADD CONSTRAINT (\S+))/g, "$1 DROP CONSTRAINT IF EXISTS $3, $2")
      .replaceAll('DROP CONSTRAINT "', 'DROP CONSTRAINT IF EXISTS "');
    await writeFile(file, again);
    statements.push(...again.split("--> statement-breakpoint"));
  }
  return { folder: made, statements };
}

/** All migrations, and then these. */
export async function migrationsWith(...added: string[][]): Promise<string> {
  const made = await folder();
  for (const [i, statements] of added.entries())
    await writeFile(join(made, `added_${i}.sql`), statements.join("\n--> statement-breakpoint\n"));
  return await withEntries(made, (entries) => [
    ...entries,
    ...added.map((_, i) => {
      const last = entries.at(-1)!;
      return { ...last, idx: last.idx + 1 + i, when: last.when + 1 + i, tag: `added_${i}` };
    }),
  ]);
}
