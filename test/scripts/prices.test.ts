/** `npm run prices`: what it prints, and what it writes. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { expect, it, onTestFinished, vi } from "vitest";
import { main } from "../../scripts/prices/command.ts";
import { parsePricesArgs } from "../../scripts/prices/options.ts";
import { CATALOGUE_VERSION } from "../../src/pricing/catalogue.ts";
import { changed, gpt4o, NOVA, withNova } from "../catalogue/documents.ts";
import { ownDatabase } from "../own-database.ts";

async function desk() {
  const { db, url } = await ownDatabase();
  const folder = await mkdtemp(join(tmpdir(), "prices-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const write = async (document: unknown): Promise<string> => {
    const path = join(folder, "data.json");
    await writeFile(path, JSON.stringify(document));
    return path;
  };
  const run = async (...args: string[]): Promise<{ code: number | void; text: string }> => {
    const lines = vi.spyOn(console, "log").mockImplementation(() => {});
    try {
      const code = await main([...args, "--database", url], {} as never);
      return { code, text: lines.mock.calls.flat().join("\n") };
    } finally {
      lines.mockRestore();
    }
  };
  const stored = async (): Promise<number> =>
    Number((await db.query(sql`select count(*) as n from catalogue_versions`))[0]!["n"]);
  return { db, write, run, stored };
}

it("stores a newer catalogue, and shows what a name means by it", async () => {
  const { write, run, stored } = await desk();
  const from = await write(withNova());
  expect(await run("show", NOVA.id)).toEqual({
    code: 1,
    text: `Catalogue ${CATALOGUE_VERSION}\n${NOVA.id}: no such model`,
  });
  expect((await run("diff", "--from", from)).text).toBe(
    `From ${CATALOGUE_VERSION} to ${from}:\n  openai ${NOVA.id}: model added`,
  );
  expect(await stored()).toBe(0);
  expect((await run("update", "--from", from)).text).toMatch(/model added\nStored as 0\.[\w.-]+\.$/);
  expect(await stored()).toBe(1);
  const { code, text } = await run("show", NOVA.id, "--provider", "openai");
  expect(code).toBe(0);
  expect(text).toContain(`openai ${NOVA.id} (exact)`);
  expect(text).toMatch(/input +1 USD per 1000000 tokens/);
  expect((await run("diff", "--from", from)).text).toMatch(
    /^From this release's .+\n.+model added\n.+\n {2}nothing changes$/,
  );
});

it("shows the tiers that a model has, and the custom prices that go first", async () => {
  const { db, run } = await desk();
  const project = "00000000-0000-4000-8000-000000000007";
  await db.query(sql`
    insert into custom_prices (project_id, id, model, match, aliases, starts_at, ends_at, input_pico, request_pico, steps)
    values (${project}::uuid, gen_random_uuid(), 'acme-', 'prefix', '{gpt-4o}', '2026-01-01', '2026-02-01', 2000000,
      500000000, '[{"above": 200000, "unit_pico": {"input": "4000000"}}]'),
    (${project}::uuid, gen_random_uuid(), 'other', 'exact', null, '2026-01-01', null, 1, null, null)`);
  const { code, text } = await run("show", "gpt-4o", "--project", project);
  expect(code).toBe(0);
  expect(text).toMatch(/\n {2}batch +x 0\.5\n {2}flex +x 0\.5\n {2}priority +x 1\.7\n/);
  expect(text.split("\n").slice(-2)).toEqual([
    "Custom prices, which go first:",
    '  acme-*, gpt-4o from 2026-01-01 to 2026-02-01: {"usd_per_million_tokens":{"input":"2"},"usd_per_thousand":{"request":"0.5"},"steps":[{"above_input_tokens":200000,"usd_per_million_tokens":{"input":"4"}}]}',
  ]);
  expect((await run("show", "acme-7", "--project", project)).code).toBe(0);
  expect((await run("show", "acme-7")).code).toBe(1);
});

it("stores what changes by more than 10x only if it is accepted", async () => {
  const { write, run, stored } = await desk();
  const from = await write(changed((models) => (gpt4o(models).prices["input_mtok"] = 26)));
  await expect(run("update", "--from", from)).rejects.toThrow("changes from 2.5 to 26.");
  expect(await stored()).toBe(0);
  expect((await run("diff", "--from", from)).text).toMatch(
    /openai gpt-4o: input 2\.5 -> 26 on \S+ {2}<- more than 10x/,
  );
  await run("update", "--from", from, "--accept");
  expect(await stored()).toBe(1);
});

it.each([
  [["show"], "show needs a model"],
  [["diff", "gpt-4o"], "diff takes no model"],
  [["delete"], "action"],
  [["diff", "--database", "mysql://x"], "--database"],
  [["show", "gpt-4o", "--project", "1"], "--project"],
])("refuses %j", (args, message) => {
  expect(() => parsePricesArgs(args)).toThrow(message);
});

it("says what cannot be read", async () => {
  await expect(main(["diff", "--from", "/nowhere"], {} as never)).rejects.toThrow("/nowhere cannot be read.");
});
