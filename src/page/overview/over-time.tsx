/** The cost of each day or hour, stacked by model or by application. */
import { useMemo, useState } from "preact/hooks";
import { navigate } from "../address.ts";
import type { AskedPeriods } from "../periods.ts";
import { groupName, rowValue } from "../groups.ts";
import { ledger, read, useAnswer } from "../ledger.ts";
import { drawnUsd } from "../money.ts";
import { Chart } from "../parts/chart.tsx";
import { ProblemMessage } from "../parts/message.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { addressOf } from "../route.ts";
import { seriesOf } from "../stack.ts";

const HOUR_MS = 3_600_000;
/** A month that has just begun is shown by hour. */
const SHORT_MS = 72 * HOUR_MS;

/** The start of an hour. */
function rounded(ms: number): string {
  return new Date(Math.floor(ms / HOUR_MS) * HOUR_MS).toISOString();
}

export function OverTime({ month, everyMs }: { month: AskedPeriods; everyMs: number }) {
  const [by, setBy] = useState<"application" | "model">("model");
  const { from, to, tz } = month;
  const interval = Date.parse(to) - Date.parse(from) <= SHORT_MS ? "hour" : "day";
  const query = { from, to, tz, interval, group_by: [by], limit: 8 } as const;
  const hrefOf = (by: string, key: string): string | null =>
    key === "" || key === "(other)" ? null : addressOf("explore", { group_by: by, [by]: key, from, to, tz });
  const { data, problem, retry } = useAnswer(
    `series ${JSON.stringify(query)}`,
    // Until the next answer is there, the last one is shown by what it is grouped by.
    async (signal) => ({
      by,
      rows: (await read(ledger.GET("/v1/summary", { params: { query: { ...query, group_by: [by] } }, signal }))).rows,
    }),
    everyMs,
  );
  const charted = useMemo(
    () =>
      data &&
      seriesOf(
        data.rows,
        (row) => rowValue(row, data.by) ?? "",
        (row) => drawnUsd(row.cost_usd),
      ),
    [data],
  );
  return (
    <section class="card over-time">
      <h2>
        <a href={addressOf("explore", { group_by: by, interval, from, to, tz })}>Cost by {interval}</a>
      </h2>
      <div class="choice" role="group" aria-label="Stacked by">
        {(["model", "application"] as const).map((name) => (
          <button key={name} type="button" aria-pressed={name === by} onClick={() => setBy(name)}>
            by {name}
          </button>
        ))}
      </div>
      <ProblemMessage problem={problem} retry={retry} />
      {data && charted ? (
        <Chart
          kind="bars"
          label={`Cost by ${interval} and ${data.by} in ${tz}, stacked. The tables below have the figures.`}
          zone={tz}
          nameOf={(key) => groupName(key === "" ? null : key)}
          hrefOf={(key) => hrefOf(data.by, key)}
          onZoom={(fromMs, toMs) =>
            navigate(
              addressOf("explore", { group_by: data.by, from: rounded(fromMs), to: rounded(toMs + HOUR_MS), tz }),
            )
          }
          {...charted}
        />
      ) : (
        problem === null && <Skeleton rows={8} label="Loading cost over time" />
      )}
    </section>
  );
}
