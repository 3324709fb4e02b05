/** A summary of 30 days up to now, through the driver, while nothing else happens and while calls are ingested. */
import { setTimeout as sleep } from "node:timers/promises";
import { startBackground } from "./background.ts";
import type { Bench } from "./context.ts";
import { DAY_MS, HOUR_MS } from "../../src/time.ts";
import { type History } from "./history.ts";
import { ask } from "./questions.ts";
import type { Measured } from "./report.ts";
import { readStored } from "./stored.ts";
import { p95Each, timed } from "./timing.ts";

const BATCH = 1_000;
const CONNECTIONS = 4;
/** So that what was ingested before the first question is not nothing. */
const LEAD_MS = 2_000;

/**
 * The calls go into the project that is asked about, and no cron merges them meanwhile: answers add up partial rows as
 * well.
 */
export async function busySummary({ db, pool, url, say }: Bench, history: History): Promise<Measured[]> {
  const toMs = Math.ceil(Date.now() / HOUR_MS) * HOUR_MS;
  const question = (): Promise<unknown> => ask(db, history, "group_by=model", toMs - 30 * DAY_MS, toMs);
  const both = (): Promise<{ ping: number; summary: number }> =>
    p95Each({ ping: () => timed(() => db.ping()), summary: () => timed(question) });
  say("by model, 30 days up to now, idle");
  const idle = await both();

  say("the same at full ingest");
  const sinceMs = Date.now() - 300_000;
  const before = await readStored(pool, history.projectId, sinceMs);
  const background = await startBackground({ url, key: history.key, batch: BATCH, connections: CONNECTIONS });
  await sleep(LEAD_MS);
  const busy = await both();
  const sent = await background.stop();
  const after = await readStored(pool, history.projectId, sinceMs);
  if (after.calls - before.calls !== sent.calls || after.inputTokens - before.inputTokens !== sent.inputTokens)
    throw new Error(`acknowledged ${sent.calls} calls, stored ${after.calls - before.calls}`);

  const ms = (id: string, name: string, value: number, ratio: number, to: string): Measured => ({
    id: `summary.${id}`,
    name,
    value,
    unit: "ms",
    ratio,
    to,
  });
  const name = "by model, 30 days up to now, through the driver";
  return [
    { id: "summary.idle_select_1", name: "SELECT 1, idle", value: idle.ping, unit: "ms" },
    ms("idle", `${name}, idle`, idle.summary, idle.summary / idle.ping, "SELECT 1, idle"),
    ms("busy_select_1", "SELECT 1 at full ingest", busy.ping, busy.ping / idle.ping, "SELECT 1, idle"),
    ms("busy", `${name}, at full ingest`, busy.summary, busy.summary / busy.ping, "SELECT 1 at full ingest"),
    ms("busy_to_idle", `${name}, at full ingest`, busy.summary, busy.summary / idle.summary, "the same, idle"),
    {
      id: "summary.busy_ingest",
      name: "  ingest meanwhile, 1,000 a request",
      value: sent.calls / sent.seconds,
      unit: "traces/s",
    },
  ];
}
