/** `/`: what it costs today and this month, why that changed, and who spends it. */
import { FirstRun } from "../first-run/first-run.tsx";
import { ledger, read, useAnswer } from "../ledger.ts";
import { OverTime } from "../overview/over-time.tsx";
import { Coverage, Rates, Spend } from "../overview/spend.tsx";
import { Tops } from "../overview/tops.tsx";
import { Why } from "../overview/why.tsx";
import { AsOf } from "../parts/as-of.tsx";
import { Message, ProblemMessage } from "../parts/message.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { addressOf } from "../route.ts";
import type { ViewProps } from "../views.ts";
import { iso, isZone, ownZone, type Periods, thisMonth, today } from "../zone.ts";

/** The current hour changes by itself. */
const EVERY_MS = 15_000;

export default function Overview({ query }: ViewProps) {
  const asked = query.get("tz");
  const zone = asked !== null && isZone(asked) ? asked : ownZone();
  const nowMs = Math.floor(Date.now() / 3_600_000) * 3_600_000;
  const month = thisMonth(zone, nowMs);
  const figures = useComparison(month, zone, EVERY_MS);
  const hours = today(zone, nowMs);
  const day = useComparison(hours, zone, EVERY_MS);
  const totals = figures.data?.totals;
  const overview = (
    <>
      <div class="title">
        <h1>Overview</h1>
        <AsOf at={figures.data?.as_of} zone={zone} isStale={figures.data !== null && figures.problem !== null} />
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
            than="the same time of last month"
            href={exploreOf(month, zone)}
          />
          <Spend
            title="Today"
            totals={day.data?.totals}
            than="the same time of yesterday"
            href={exploreOf(hours, zone)}
          />
        </div>
        <Rates totals={totals} />
        {totals?.requests === 0 ? (
          <Message kind="empty" title="No calls this month">
            Send some to this ledger, and they show here within seconds. <a href="/docs">How to send calls</a>.
          </Message>
        ) : (
          <>
            <Why month={month} zone={zone} />
            <OverTime month={month} zone={zone} everyMs={EVERY_MS} />
            <Tops month={month} zone={zone} everyMs={EVERY_MS} />
          </>
        )}
      </div>
    </>
  );
  if (totals?.requests !== 0) return overview;
  const again = (): void => [figures, day].forEach(({ retry }) => retry());
  return <FirstRun onCall={again}>{overview}</FirstRun>;
}

function useComparison({ from, to, compareFrom, compareTo }: Periods, zone: string, everyMs: number) {
  const query = {
    from: iso(from),
    to: iso(to),
    tz: zone,
    compare_from: iso(compareFrom),
    compare_to: iso(compareTo),
    include: ["latency", "rates"] as ("latency" | "rates")[],
  };
  return useAnswer(
    JSON.stringify(query),
    (signal) => read(ledger.GET("/v1/summary", { params: { query }, signal })),
    everyMs,
  );
}

function exploreOf({ from, to }: Periods, zone: string): string {
  return addressOf("explore", { from: iso(from), to: iso(to), tz: zone });
}
