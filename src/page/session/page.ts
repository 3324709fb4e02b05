/** Asks for a page of a session. An id that no path can hold is asked for as a filter. */
import { ledger, read, Refused, type Schemas } from "../ledger.ts";
import { problemOf } from "../problem.ts";
import { isPathSafe } from "./session.ts";

export interface SessionRange {
  from?: string;
  to?: string;
  tz: string;
}

export interface SessionPage {
  session: Schemas["Session"];
  calls: Schemas["Trace"][];
  next: string | null;
}

const LIMIT = 50;

/** @throws Refused */
export async function pageOf(
  id: string,
  range: SessionRange,
  cursor: string | null,
  signal: AbortSignal,
): Promise<SessionPage> {
  const query = { ...range, limit: LIMIT, ...(cursor !== null && { cursor }) };
  if (isPathSafe(id)) {
    const asked = ledger.GET("/v1/sessions/{id}", { params: { path: { id }, query }, signal });
    const { traces, next_cursor: next, ...session } = await read(asked);
    return { session, calls: traces, next };
  }
  const own = { ...query, session_id: [id] };
  const [found, page] = await Promise.all([
    read(ledger.GET("/v1/sessions", { params: { query: { ...range, session_id: [id] } }, signal })),
    read(ledger.GET("/v1/traces", { params: { query: own }, signal })),
  ]);
  const session = found.sessions[0];
  if (!session) throw new Refused(problemOf(404, null));
  return { session, calls: page.traces, next: page.next_cursor };
}
