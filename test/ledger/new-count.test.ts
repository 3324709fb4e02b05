/**
 * A count that is declared once is everywhere: here an imagined one, added to the list and nowhere else. Only a
 * migration has to follow, which the schema itself names.
 */
import { sql } from "drizzle-orm";
import { getTableConfig } from "drizzle-orm/pg-core";
import { afterAll, expect, inject, it, vi } from "vitest";

vi.mock(import("../../src/ledger/counts.ts"), async (original) => {
  const { COUNTS, ...rest } = await original();
  const imagined = { name: "imagined_tokens", description: "Imagined.", summed: "shown" } as const;
  return { ...rest, COUNTS: { ...COUNTS, imaginedTokens: imagined } };
});

// Files share modules: those that others loaded do not know the count, and no other may get these.
vi.resetModules();
afterAll(() => void vi.resetModules());

const { createApp } = await import("../../src/app.ts");
const { parseConfig } = await import("../../src/config.ts");
const { rollup, traces } = await import("../../src/db/schema.ts");
const { createDeps } = await import("../../src/deps.ts");
const { decodeNative } = await import("../../src/ingest/decode/native.ts");
const { createPricer } = await import("../../src/pricing/cost.ts");
const { packMessages, readMessage } = await import("../../src/queue/message.ts");
const { merge } = await import("../../src/rollup/merge.ts");
const { createKey } = await import("../../src/keys.ts");
const { newProject } = await import("../ledger.ts");
const { asOwner, ownDatabase } = await import("../own-database.ts");

const NOW = Date.UTC(2026, 2, 20, 12);
const RANGE = "from=2026-03-19&to=2026-03-21";

it("is stored, merged, summed, exported, queued and described", async () => {
  const own = await ownDatabase();
  const { db } = own;
  for (const table of [traces, rollup]) {
    const { name, columns } = getTableConfig(table);
    const added = columns.find((column) => column.name === "imagined_tokens")!;
    // `sql.identifier` would quote it, and it is no value: the type as the schema has it, a word of SQL.
    const type = { integer: sql`integer`, bigint: sql`bigint` }[added.getSQLType()]!;
    await asOwner(own).query(sql`alter table ${sql.identifier(name)} add column imagined_tokens ${type}`);
  }
  const project = await newProject(db);
  const { key } = await createKey(db, project, "test", ["ingest", "read"]);
  const app = createApp(createDeps(parseConfig(inject("bindings")), { db, now: () => NOW }));
  const ask = async (path: string, init: RequestInit = {}): Promise<Response> =>
    await app.request(
      path,
      { ...init, headers: { authorization: `Bearer ${key}`, "content-type": "application/json" } },
      {},
      { waitUntil() {}, passThroughOnException() {}, props: {} },
    );

  // 5 + 7 imagined tokens in two calls of one hour, 12 in all
  const calls = [5, 7].map((imagined_tokens, i) => ({
    id: `call-${i}`,
    timestamp: NOW - 3_600_000 + i,
    model: "gpt-4o",
    input_tokens: 100,
    output_tokens: 10,
    imagined_tokens,
  }));
  expect(await (await ask("/v1/traces", { method: "POST", body: JSON.stringify(calls) })).json()).toMatchObject({
    inserted: 2,
    errors: [],
  });
  const summary = async (): Promise<unknown> => (await ask(`/v1/summary?${RANGE}&order=-imagined_tokens`)).json();
  expect(await summary()).toMatchObject({ totals: { requests: 2, imagined_tokens: 12 } });
  await merge(db, Date.now, Infinity);
  expect(await summary()).toMatchObject({ rows: [{ requests: 2, imagined_tokens: 12 }] });
  expect(await (await ask(`/v1/audit?${RANGE}`)).json()).toMatchObject({ ok: true });
  expect(await (await ask(`/v1/traces?${RANGE}`)).json()).toMatchObject({
    traces: [{ imagined_tokens: 7 }, { imagined_tokens: 5 }],
  });
  const [header, row] = (await (await ask(`/v1/export?type=summary&format=csv&${RANGE}`)).text()).split("\r\n");
  expect(row!.split(",")[header!.split(",").indexOf("imagined_tokens")]).toBe("12");
  expect(await (await ask(`/v1/explain?${RANGE}`)).json()).toMatchObject({ after: { imagined_tokens: 12 } });

  const [call] = decodeNative(calls, NOW).calls;
  const priced = { call: call!, cost: createPricer().costOf(call!) };
  const [message] = packMessages(project, { calls: [priced], links: [] }).messages;
  expect(readMessage(message).batch.calls).toMatchObject([{ call: { imaginedTokens: 5 } }]);

  const { components } = (await (await ask("/openapi.json")).json()) as {
    components: { schemas: Record<string, { properties: Record<string, unknown> }> };
  };
  for (const schema of ["NativeTrace", "Trace", "Sums"])
    expect(components.schemas[schema]!.properties, schema).toHaveProperty("imagined_tokens");
});
