/** The cost of each day, stacked by model or by application. */
import { useState } from "preact/hooks";
import { groupName, rowValue } from "../groups.ts";
import { ledger, read, useAnswer } from "../ledger.ts";
import { drawnUsd } from "../money.ts";
import { Chart } from "../parts/chart.tsx";
import { ProblemMessage } from "../parts/message.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { addressOf } from "../route.ts";
import { seriesOf } from "../stack.ts";
import { iso, type Periods } from "../zone.ts";

export function OverTime({ month, zone, everyMs }: { month: Periods; zone: string; everyMs: number }) {
  const [by, setBy] = useState<"application" | "model">("model");
  const query = {
    from: iso(month.from),
    to: iso(month.to),
    tz: zone,
    interval: "day" as const,
    group_by: [by],
    limit: 8,
  };
  const { data, problem, retry } = useAnswer(
    `series ${JSON.stringify(query)}`,
    // Until the next answer is there, the last one is shown by what it is grouped by.
    async (signal) => ({ by, rows: (await read(ledger.GET("/v1/summary", { params: { query }, signal }))).rows }),
    everyMs,
  );
  return (
    <section class="card">
      <h2>Cost by day</h2>
      <div class="choice" role="group" aria-label="Stacked by">
        {(["model", "application"] as const).map((name) => (
          <button key={name} type="button" aria-pressed={name === by} onClick={() => setBy(name)}>
            by {name}
          </button>
        ))}
      </div>
      <ProblemMessage problem={problem} retry={retry} />
      {data ? (
        <Chart
          kind="bars"
          label={`Cost by day and ${data.by} in ${zone}, stacked. The tables below have the figures.`}
          zone={zone}
          nameOf={(key) => groupName(key === "" ? null : key)}
          hrefOf={(key) => addressOf("explore", { [data.by]: key, from: query.from, to: query.to, tz: zone })}
          {...seriesOf(
            data.rows,
            (row) => rowValue(row, data.by) ?? "",
            (row) => drawnUsd(row.cost_usd),
          )}
        />
      ) : (
        problem === null && <Skeleton rows={8} label="Loading cost by day" />
      )}
    </section>
  );
}
