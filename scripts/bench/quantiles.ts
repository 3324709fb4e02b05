/** How far percentiles from the rollup's histograms are off those of the calls themselves, by model and percentile. */
import type { Bench } from "./context.ts";
import { DAY_MS } from "../../src/time.ts";
import { DAYS, type History } from "./history.ts";
import { WITH_LATENCY } from "./questions.ts";
import type { Measured } from "./report.ts";

const QUANTILES = { p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99 } as const;
type Name = keyof typeof QUANTILES;
/** What answers say of themselves. */
const PROMISED_PERCENT = 1;
const NAMES = Object.keys(QUANTILES) as Name[];

/** The value at rank `q * (n - 1)`, rounded down, of `n` in order: the one that a summary stands for. */
const EXACT = `
with n as (
  select model, count(duration_us) as calls from traces
  where project_id = $1 and started_at >= $2 and started_at < $3 group by model
)
select model, percentile_disc(array(
  select (floor(q * (n.calls - 1)) + 0.5) / n.calls from unnest($4::float8[]) as q
)) within group (order by duration_us) as exact_us
from traces t join n using (model)
where project_id = $1 and started_at >= $2 and started_at < $3
group by model, n.calls`;

export async function benchQuantiles({ db, pool, say }: Bench, history: History): Promise<Measured[]> {
  say("percentiles of the calls themselves");
  const { rows } = await WITH_LATENCY.ask(db, history);
  const { rows: exact } = await pool.query<{ model: string; exact_us: string[] }>(EXACT, [
    history.projectId,
    new Date(history.endMs - DAYS * DAY_MS),
    new Date(history.endMs),
    NAMES.map((name) => QUANTILES[name]),
  ]);
  if (rows.length === 0 || rows.length !== exact.length)
    throw new Error(`the summary has ${rows.length} models, the calls ${exact.length}`);
  return NAMES.map((name, i) => {
    const errors = rows.map(({ model, latency_ms }) => {
      const exactMs = Number(exact.find((row) => row.model === model)!.exact_us[i]) / 1_000;
      return Math.abs(latency_ms![name] - exactMs) / exactMs;
    });
    const value = Math.max(...errors) * 100;
    return {
      id: `summary.error_${name}`,
      name: `greatest error of ${name} of latency, of ${rows.length} models`,
      value,
      unit: "%",
      ratio: value / PROMISED_PERCENT,
      to: `the ${PROMISED_PERCENT}% promised`,
    };
  });
}
