/** Pages within slices: every trace once, wherever a page or a slice ends, and whatever is written meanwhile. */
import { beforeAll, describe, expect, it } from "vitest";
import { forTraces } from "../../src/export/paging.ts";
import { callPages } from "../../src/export/traces.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { parseTracesQuery } from "../../src/traces/query.ts";
import { database, newProject } from "../ledger.ts";
import { priced, trace } from "../calls.ts";

const db = database();
const MONDAY = Date.UTC(2025, 2, 10);
const N = 60;
const made = (i: number, prefix = "call") =>
  priced(trace({ startedAtMs: MONDAY + i, clientId: `${prefix}-${i}`, userId: i % 20 === 0 ? "ada" : "bob" }));

const pagesOf = (projectId: string, filter: string, rows: number, slice: number) => {
  const query = parseTracesQuery(new URLSearchParams(`from=2025-03-10&to=2025-03-11${filter}`), MONDAY);
  return callPages(db, projectId, query, { ...forTraces(), rows }, slice);
};

async function clientsOf(pages: ReturnType<typeof pagesOf>): Promise<unknown[]> {
  const seen: unknown[] = [];
  for await (const page of pages)
    seen.push(...page.map(({ json }) => (JSON.parse(json) as { client_id: string }).client_id));
  return seen;
}

describe("pages of traces", () => {
  let projectId: string;
  beforeAll(async () => {
    projectId = await newProject(db);
    await writeBatch(
      db,
      projectId,
      Array.from({ length: N }, (_, i) => made(i)),
    );
  });

  it.each([
    [1, 1],
    [2, 7],
    [7, 7],
    [7, 59],
    [100, 60],
    [60, 61],
  ])("of %i rows in slices of %i hold every trace once, in order", async (rows, slice) => {
    const all = await clientsOf(pagesOf(projectId, "", rows, slice));
    expect(all).toEqual(Array.from({ length: N }, (_, i) => `call-${i}`));
    const filtered = await clientsOf(pagesOf(projectId, "&user=ada", rows, slice));
    expect(filtered).toEqual(["call-0", "call-20", "call-40"]);
  });

  it("take in what is written ahead of them, and never repeat what lies behind", async () => {
    const own = await newProject(db);
    await writeBatch(
      db,
      own,
      Array.from({ length: 10 }, (_, i) => made(i)),
    );
    const seen: unknown[] = [];
    for await (const page of pagesOf(own, "", 2, 5)) {
      if (seen.length === 0) await writeBatch(db, own, [made(0, "behind"), made(4, "ahead"), made(20, "ahead")]);
      seen.push(...page.map(({ json }) => (JSON.parse(json) as { client_id: string }).client_id));
    }
    const expected = Array.from({ length: 10 }, (_, i) => `call-${i}`).concat("ahead-4", "ahead-20");
    // Two calls of one millisecond are ordered by the hash of their names.
    expect(seen.toSorted()).toEqual(expected.toSorted());
    expect(seen.at(-1)).toBe("ahead-20");
  });
});
