/** Every trace of a range, oldest first, page by page. */
import type { Database } from "../db/client.ts";
import { keyRange } from "../ingest/key.ts";
import type { TracesQuery } from "../traces/query.ts";
import { cutAfter, readOldest, type ShownTrace } from "../traces/read.ts";
import { type PageSize, patiently } from "./paging.ts";

/** So many traces are looked at by one statement at most, however few of them a filter lets through. */
const SLICE = 50_000;

/** Pages, some of them empty. Paging goes by key: what is written meanwhile is in it if it starts later than what was read. */
export async function* tracePages(
  db: Database,
  projectId: string,
  query: TracesQuery,
  size: PageSize,
  slice = SLICE,
): AsyncGenerator<ShownTrace[], void> {
  const [lowest, highest] = keyRange(query.fromMs, query.toMs);
  let after = query.cursor !== null && query.cursor > lowest ? query.cursor : lowest;
  for (;;) {
    const rest = { after, before: highest };
    const cut = await patiently(size, () => cutAfter(db, projectId, rest, slice));
    const before = cut?.next ?? highest;
    for (let from = after; ;) {
      const { page, rows } = await patiently(size, async (rows) => ({
        rows,
        page: await readOldest(db, projectId, query, { after: from, before }, rows),
      }));
      yield page;
      if (page.length < rows) break;
      from = page.at(-1)!.id;
    }
    if (cut === null) return;
    after = cut.last;
  }
}
