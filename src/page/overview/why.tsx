/** Why this month's cost differs from last month's, cause by cause. Each cause leads to the calls behind it. */
import { stepsOf } from "../causes.ts";
import type { Explanation } from "../explanation.ts";
import { type AskedPeriods, whyOf } from "../periods.ts";
import type { Loaded } from "../ledger.ts";
import { Skeleton } from "../parts/skeleton.tsx";
import { Waterfall } from "../parts/waterfall.tsx";
import { addressOf } from "../route.ts";

export function Why({ why, periods }: { why: Loaded<Explanation>; periods: Required<AskedPeriods> }) {
  const { data, problem } = why;
  const { from, to, tz, compare_from, compare_to } = periods;
  return (
    <section class="card why">
      <h2>
        <a href={whyOf(periods)}>Why it changed</a>
      </h2>
      {data ? (
        <Waterfall
          label="From last month's cost to this month's, by cause"
          steps={stepsOf(data.before.cost_usd, data.after.cost_usd, data.parts)}
          hrefOf={({ key, isEnd }) =>
            isEnd
              ? addressOf("explore", key === "after" ? { from, to, tz } : { from: compare_from, to: compare_to, tz })
              : whyOf(periods, { cause: key })
          }
        />
      ) : problem === null ? (
        <Skeleton rows={5} label="Loading why it changed" />
      ) : (
        <p class="muted">It cannot be told right now. The reason stands above.</p>
      )}
    </section>
  );
}
