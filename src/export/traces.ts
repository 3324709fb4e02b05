/** All calls of a range, oldest first, page by page. */
import type { Database } from "../db/client.ts";
import { keyRange } from "../ledger/key.ts";
import type { TracesQuery } from "../traces/query.ts";
import { type CallAsJson, cutAfter, readOldest } from "../traces/read.ts";
import { type PageSize, patiently } from "./paging.ts";

/** Maximum number of calls that one statement looks at, even if a filter lets few of them through. */
const SLICE = 50_000;

/**
 * Gives pages, some of them empty. They follow the order of ids, so a call that is stored meanwhile is included if it
 * starts after the calls that were read.
 */
export async function* callPages(
  db: Database,
  projectId: string,
  query: TracesQuery,
  size: PageSize,
  slice = SLICE,
): AsyncGenerator<CallAsJson[], void> {
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
