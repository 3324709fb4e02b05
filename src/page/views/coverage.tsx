/** `/coverage`: what agents say that they used, against what the ledger has of them. */
import { Frame } from "../agents/frame.tsx";
import { AgentCard } from "../agents/agent-card.tsx";
import { DayTable } from "../agents/day-table.tsx";
import { Silent } from "../agents/silent.tsx";
import { answeredAt } from "../calls/use-list.ts";
import { ledger, read, useAnswer } from "../ledger.ts";
import { rangeOf } from "../range.ts";
import type { ViewProps } from "../views.ts";
import { iso } from "../zone.ts";

export default function Coverage({ query }: ViewProps) {
  const range = rangeOf(query, Date.now(), "7d");
  const asked = { from: iso(range.from), to: iso(range.to) };
  const answer = useAnswer(`coverage ${JSON.stringify(asked)}`, async (signal) => {
    const sent = ledger.GET("/v1/coverage", { params: { query: asked }, signal });
    return { ...(await read(sent)), at: answeredAt((await sent).response) };
  });
  return (
    <Frame
      of="coverage"
      query={query}
      range={range}
      answer={answer}
      about="Agents count themselves what they use. Here that is compared with their calls in the ledger, over whole UTC days."
      nothing={({ totals }) => (totals.length === 0 ? "No agent sent counters or calls in this range" : null)}
    >
      {({ totals, rows, silent }) => (
        <>
          <Silent silent={silent} zone={range.zone} />
          <div class="cards">
            {totals.map((one) => (
              <AgentCard key={one.emitter + one.application} of={one} range={range} />
            ))}
          </div>
          <DayTable rows={rows} totals={totals} />
        </>
      )}
    </Frame>
  );
}
