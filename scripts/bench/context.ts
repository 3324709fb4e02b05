/** What the parts of one run share: backends, the Worker, and histories, each of which is generated once. */
import pg from "pg";
import { connect, type Database } from "../../src/db/client.ts";
import { merge } from "../../src/rollup/merge.ts";
import { fillHistory, type History } from "./history.ts";
import { startSubject, type Subject } from "./subject.ts";

/** Straight to Postgres, everywhere. */
export const CONNECTIONS = 2;

export interface Bench extends Pick<Subject, "url" | "newProject" | "memoryMib"> {
  pool: pg.Pool;
  /** Through the driver that the Worker uses. */
  db: Database;
  /** Over TCP, where a statement may take more than the 15 s that Neon gives it. */
  patientDb: Database;
  /** Calls of the largest history. */
  traces: number;
  /** Of live updates of the page. */
  minutes: number;
  /** Of each call that is ingested. */
  labels: number;
  /** So much of `full`, when the largest history is small: then everything else is, too. */
  scaled(full: number): number;
  /** Of the Worker. */
  bindings: Record<string, string>;
  say(line: string): void;
  /** About so many calls of 90 days, in a project of their own. Without `labelled` they have neither users nor tags. */
  history(traces: number, labelled?: boolean): Promise<History>;
  /**
   * So that a part does not pay for those before it: what they ingested is merged, or gone if there is no history yet.
   */
  settle(): Promise<void>;
}

const FULL_SIZE_FROM = 200_000;
const TIMEOUT_MS = 600_000;

/** @param ends of what is started. */
export async function startBench(
  { traces, minutes, labels }: Pick<Bench, "traces" | "minutes" | "labels">,
  ends: AsyncDisposableStack,
  say: (line: string) => void,
): Promise<Bench> {
  const subject = await startSubject();
  ends.defer(subject.stop);
  const { databaseUrl, bindings } = subject.backends;
  const pool = new pg.Pool({ connectionString: databaseUrl, max: CONNECTIONS, options: "-c statement_timeout=0" });
  ends.defer(() => pool.end());
  const { DATABASE_URL: url, NEON_FETCH_ENDPOINT: fetchEndpoint } = bindings;
  const db = connect({ url, fetchEndpoint, timeoutMs: TIMEOUT_MS });
  const histories = new Map<string, History>();
  return {
    url: subject.url,
    newProject: subject.newProject,
    memoryMib: subject.memoryMib,
    pool,
    db,
    patientDb: connect({ driver: "postgres", url: databaseUrl, timeoutMs: TIMEOUT_MS }),
    traces,
    minutes,
    labels,
    bindings: subject.bindings,
    scaled: (full) => Math.ceil(full * Math.min(1, traces / FULL_SIZE_FROM)),
    say,
    async history(count, labelled = false) {
      const what = `${count.toLocaleString("en-US")} calls of 90 days${labelled ? " with users and tags" : ""}`;
      let history = histories.get(what);
      if (!history) {
        say(`generating ${what}`);
        history = await fillHistory(pool, db, await subject.newProject(), { traces: count, labelled }, say);
        histories.set(what, history);
      }
      return history;
    },
    async settle() {
      if (histories.size === 0) await pool.query("truncate traces, rollup");
      else await merge(db, Date.now, Number.POSITIVE_INFINITY);
      await pool.query("vacuum analyze rollup");
      await pool.query("checkpoint");
    },
  };
}
