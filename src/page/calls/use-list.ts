/** Pages of calls and of sessions, as the ledger lists them. */
import { ledger, type Loaded, read, type Schemas, useAnswer } from "../ledger.ts";
import { reaches } from "./live.ts";
import { listQuery, PAGE, sumQuery } from "./question.ts";

export type Call = Schemas["Trace"];
export type Session = Schemas["Session"];
export type ListQuery = ReturnType<typeof listQuery>;
export type SumQuery = NonNullable<ReturnType<typeof sumQuery>>;

export interface Page<Row> {
  rows: Row[];
  next: string | null;
  /** When the ledger answered. */
  at: string;
}

/** More at once is not caught up with: the list would not hold it. */
const MOST_LOOKS = 10;

/**
 * @param known the calls that a list which follows has. It looks back until it reaches one of them.
 * @param everyMs how often it looks; it does not without.
 */
export function useCalls(query: ListQuery, known: () => ReadonlySet<string>, everyMs?: number): Loaded<Page<Call>> {
  const name = `${everyMs === undefined ? "calls" : "live calls"} ${JSON.stringify(query)}`;
  return useAnswer(
    name,
    async (signal) => {
      const page = await askCalls(query, signal);
      if (everyMs === undefined) return page;
      for (let looks = 1; page.next !== null && looks < MOST_LOOKS && !reaches(page.rows, known()); looks++) {
        const older = await askCalls({ ...query, cursor: page.next }, signal);
        page.rows.push(...older.rows);
        page.next = older.next;
      }
      return page;
    },
    everyMs,
  );
}

export function useSessions(query: ListQuery): Loaded<Page<Session>> {
  return useAnswer(`sessions ${JSON.stringify(query)}`, async (signal) => {
    const asked = ledger.GET("/v1/sessions", { params: { query }, signal });
    const { sessions, next_cursor } = await read(asked);
    return { rows: sessions, next: next_cursor, at: answeredAt((await asked).response) };
  });
}

/** The sums of all calls in the list's range; null if the summary does not know the list's filters. */
export function useSum(query: SumQuery | null, everyMs?: number): Loaded<Schemas["Summary"] | null> {
  return useAnswer(
    `sum ${JSON.stringify(query)}`,
    async (signal) => (query === null ? null : await read(ledger.GET("/v1/summary", { params: { query }, signal }))),
    query === null ? undefined : everyMs,
  );
}

async function askCalls(query: ListQuery, signal: AbortSignal): Promise<Page<Call>> {
  const asked = ledger.GET("/v1/traces", { params: { query }, signal });
  const { traces, next_cursor } = await read(asked);
  return { rows: traces, next: next_cursor, at: answeredAt((await asked).response) };
}

/** By the ledger's clock, if it says so: this one may be wrong. */
export function answeredAt(response: Response): string {
  return new Date(response.headers.get("Date") ?? Date.now()).toISOString();
}

/** A list that follows looks at this many calls at a time. */
export function looking(query: ListQuery): ListQuery {
  return { ...query, limit: Math.min(query.limit, PAGE) };
}
