/** `/`: what it costs today and this month, why that changed, and who spends it. */
import { useHour } from "../clock.ts";
import { useExplanation } from "../explanation.ts";
import { type AskedPeriods, askedPeriods } from "../periods.ts";
import { ledger, type Loaded, read, type Schemas, useAnswer } from "../ledger.ts";
import { FirstRun } from "../first-run/first-run.tsx";
import { OverTime } from "../overview/over-time.tsx";
import { Coverage, Rates, Spend } from "../overview/spend.tsx";
import { Tops } from "../overview/tops.tsx";
import { Why } from "../overview/why.tsx";
import { AsOf } from "../parts/as-of.tsx";
import { Inexact } from "../parts/inexact.tsx";
import { Message, ProblemMessage } from "../parts/message.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { addressOf } from "../route.ts";
import type { ViewProps } from "../views.ts";
import { isZone, ownZone, thisMonth, today } from "../zone.ts";

/** The current hour changes by itself. */
const EVERY_MS = 15_000;

export default function Overview({ query }: ViewProps) {
  const asked = query.get("tz");
  const zone = asked !== null && isZone(asked) ? asked : ownZone();
  const nowMs = useHour();
  const month = askedPeriods(thisMonth(zone, nowMs), zone);
  const day = askedPeriods(today(zone, nowMs), zone);
  const figures = useComparison(month);
  const whyMonth = useExplanation(month, EVERY_MS);
  const whyDay = useExplanation(day, EVERY_MS);
  const totals = figures.data?.totals;
  const { from, to, tz } = month;
  const ofDay = whyDay.data;
  const overview = (
    <>
      <div class="title">
        <h1>Overview</h1>
        <AsOf
          at={figures.data?.as_of}
          zone={zone}
          isStale={figures.isStale}
          held={figures.held}
          to={month.to}
          isApproximate={figures.data?.approximate === true}
        />
      </div>
      {asked !== null && !isZone(asked) && (
        <Message kind="warning" title={`There is no time zone “${asked}”`}>
          Days begin as in {zone} instead. <a href="/">Leave the zone out</a>.
        </Message>
      )}
      <ProblemMessage problem={figures.problem} retry={figures.retry} />
      {!totals && figures.problem === null && <Skeleton rows={12} label="Loading the overview" />}
      {/* Hidden, all of it asks at once; shown at once, nothing moves. */}
      <div hidden={!totals}>
        {totals && <Coverage totals={totals} />}
        <div class="cards">
          <Spend
            title="This month"
            id="total-cost"
            totals={totals}
            why={whyMonth}
            periods={month}
            than="at the same time of last month"
          />
          <Spend
            title="Today"
            totals={
              ofDay ? { ...ofDay.after, previous: ofDay.before, difference_usd: ofDay.difference_usd } : undefined
            }
            why={whyDay}
            periods={day}
            than="at the same time yesterday"
          />
        </div>
        <Rates totals={totals} periods={month} />
        {totals && (
          <Inexact
            totals={totals}
            href={addressOf("explore", { metric: "inexact_cost_usd", group_by: "application", from, to, tz })}
          />
        )}
        {totals?.requests === 0 ? (
          <Message kind="empty" title="No calls this month">
            Send some to this ledger, and they show here within seconds. <a href="/docs">How to send calls</a>.
          </Message>
        ) : (
          <>
            <div class="pair">
              <Why why={whyMonth} periods={month} />
              <OverTime month={month} everyMs={EVERY_MS} />
            </div>
            <Tops month={month} everyMs={EVERY_MS} />
          </>
        )}
      </div>
    </>
  );
  if (totals?.requests !== 0) return overview;
  const again = (): void => [figures, whyMonth, whyDay].forEach(({ retry }) => retry());
  return <FirstRun onCall={again}>{overview}</FirstRun>;
}

function useComparison(periods: Required<AskedPeriods>): Loaded<Schemas["Summary"]> {
  const query = { ...periods, include: ["latency", "rates"] as ("latency" | "rates")[] };
  return useAnswer(
    JSON.stringify(query),
    // All else is hidden until it is there.
    (signal) => read(ledger.GET("/v1/summary", { params: { query }, signal, priority: "high" })),
    EVERY_MS,
  );
}
