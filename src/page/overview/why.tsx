/** Why this month's cost differs from last month's: in a sentence, and cause by cause. */
import { sentenceOf, stepsOf } from "../causes.ts";
import { ledger, read, useAnswer } from "../ledger.ts";
import { ProblemMessage } from "../parts/message.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { Waterfall } from "../parts/waterfall.tsx";
import { addressOf } from "../route.ts";
import { iso, type Periods } from "../zone.ts";

export function Why({ month, zone }: { month: Periods; zone: string }) {
  const query = {
    from: iso(month.from),
    to: iso(month.to),
    tz: zone,
    compare_from: iso(month.compareFrom),
    compare_to: iso(month.compareTo),
  };
  const { data, problem, retry } = useAnswer(`explain ${JSON.stringify(query)}`, (signal) =>
    read(ledger.GET("/v1/explain", { params: { query }, signal })),
  );
  return (
    <section class="card why">
      <h2>
        <a href={addressOf("why", { from: query.from, to: query.to, tz: zone })}>Why it changed</a>
      </h2>
      <ProblemMessage problem={problem} retry={retry} />
      {data ? (
        <>
          <p class="sentence" data-usd={data.difference_usd}>
            {sentenceOf(data.difference_usd, data.parts)}
          </p>
          <Waterfall
            label="From last month's cost to this month's, by cause"
            steps={stepsOf(data.before.cost_usd, data.after.cost_usd, data.parts)}
          />
        </>
      ) : (
        problem === null && <Skeleton rows={5} label="Loading why it changed" />
      )}
    </section>
  );
}
