/**
 * What retention costs: dropping the oldest whole month of the longest history, and what requests wait for it. It takes
 * calls away, so it runs last.
 */
import { REACH_MS } from "../../src/ledger/call.ts";
import { rawSinceFor, retain } from "../../src/retention/retain.ts";
import { DAY_MS } from "../../src/time.ts";
import type { Bench } from "./context.ts";
import { DAYS } from "./history.ts";
import type { Measured } from "./report.ts";
import { startSender } from "./sender.ts";
import { timed } from "./timing.ts";

const POSTS = 5_000;
const CONNECTIONS = 4;

export async function benchRetention(bench: Bench): Promise<Measured[]> {
  const { patientDb: db, pool, say } = bench;
  const { projectId, key, endMs } = await bench.history(bench.traces);
  const first = new Date(endMs - DAYS * DAY_MS);
  const keptMs = Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1);
  const nowMs = Date.now();
  const days = Math.floor((nowMs - keptMs - REACH_MS) / DAY_MS);
  const calls = async (): Promise<number> => {
    const count = "select count(*)::int as n from traces where project_id = $1 and started_at < to_timestamp($2)";
    return (await pool.query<{ n: number }>(count, [projectId, endMs / 1_000])).rows[0]!.n;
  };
  const before = await calls();
  const sender = await startSender(bench, { id: projectId, key });
  const idle = await sender.post(1, bench.scaled(POSTS), CONNECTIONS);
  say(`dropping the calls before ${new Date(rawSinceFor(nowMs, days)).toISOString()}`);
  const [busy, dropMs] = await Promise.all([
    sender.post(1, bench.scaled(POSTS), CONNECTIONS),
    timed(async () => {
      const config = { rawRetentionDays: days, hourRetentionDays: undefined };
      if (!(await retain({ db, config, now: () => nowMs }, Number.POSITIVE_INFINITY)))
        throw new Error("calls are left that are older than what is kept");
    }),
  ]);
  await sender.verify();
  const dropped = before - (await calls());
  if (dropped === 0) throw new Error("retention dropped no call");
  const [busyMs, idleMs] = [Math.max(...busy.latenciesMs), Math.max(...idle.latenciesMs)];
  return [
    { id: "retention.calls", name: "calls that retention dropped", value: dropped, unit: "calls" },
    { id: "retention.drop", name: "  time of dropping them", value: dropMs, unit: "ms" },
    {
      id: "retention.longest",
      name: "  longest POST /v1/traces meanwhile",
      value: busyMs,
      unit: "ms",
      ratio: busyMs / idleMs,
      to: "the longest without",
    },
  ];
}
