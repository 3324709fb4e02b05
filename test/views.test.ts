/** Saved views at once: who saves waits for who saves already, and so neither misses the other's. */
import pg from "pg";
import { expect, it } from "vitest";
import { forProject } from "../src/db/wall.ts";
import { createProject } from "../src/keys.ts";
import { listViews, replaceView, saveView } from "../src/views.ts";
import { ownDatabase } from "./own-database.ts";

it("a view is refused for those whose saving it waited for", async () => {
  const { db: all, url } = await ownDatabase();
  const { id: project } = await createProject(all, "test");
  const db = forProject(all, project);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const save = (name: string) => saveView(db, project, crypto.randomUUID(), { name, path: "/" });
  const first = await save("first");
  await client.query("begin");
  await client.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [`views ${project}`]);
  await client.query(
    "insert into views (project_id, id, name, path) select $1, gen_random_uuid(), 'v' || i, '/' from generate_series(1, 199) i",
    [project],
  );
  const states = Promise.all(
    [save("one more"), replaceView(db, project, first.id, { name: "v7", path: "/" })].map((saving) =>
      saving.then(() => "saved").catch((error: { code?: string }) => error.code ?? String(error)),
    ),
  );
  let settled = false;
  void states.then(() => (settled = true));
  const waiting = async (): Promise<boolean> => {
    const { rows } = await client.query("select from pg_locks where locktype = 'advisory' and not granted");
    return rows.length === 2 || settled;
  };
  await expect.poll(waiting, { timeout: 20_000 }).toBe(true);
  await client.query("commit");
  await client.end();
  expect(await states).toEqual(["too_many_views", "view_name_taken"]);
  expect(await listViews(db, project)).toHaveLength(200);
});
