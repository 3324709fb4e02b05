/** The same by day. What is said of the whole range is not said again of each day. */
import { formatCount } from "../figures.ts";
import type { Schemas } from "../ledger.ts";
import { Money } from "../parts/money.tsx";
import { Table } from "../parts/table.tsx";
import { type Compared, missingWords, nameOf, Share } from "./share.tsx";

export function DayTable({ rows, totals }: { rows: readonly Schemas["CoverageRow"][]; totals: readonly Compared[] }) {
  const told = new Set(totals.flatMap(({ emitter, notes }) => notes.map((note) => emitter + note)));
  const newOf = ({ emitter, notes }: Compared) => notes.filter((note) => !told.has(emitter + note)).join(" ");
  const hasNew = rows.some((row) => newOf(row) !== "");
  const count = (tokens: number | null) => (tokens === null ? "unknown" : formatCount(tokens));
  return (
    <section class="card agents-days">
      <h2>By day</h2>
      <Table
        caption="Coverage by day"
        rows={rows}
        keyOf={({ day, emitter, application }) => JSON.stringify([day, emitter, application])}
        columns={[
          { key: "day", title: "Day (UTC)", render: ({ day }) => day },
          { key: "agent", title: "Agent", render: (row) => <bdi>{nameOf(row)}</bdi> },
          { key: "share", title: "In the ledger", render: (row) => <Share of={row} /> },
          { key: "claimed", title: "Agent’s tokens", isFigure: true, render: (row) => count(row.claimed.total_tokens) },
          { key: "ledger", title: "Ledger’s tokens", isFigure: true, render: (row) => count(row.ledger.total_tokens) },
          { key: "missing", title: "Missing", isFigure: true, render: missingWords },
          { key: "usd", title: "Agent’s cost", isFigure: true, render: (row) => <Money usd={row.claimed.cost_usd} /> },
          { key: "ours", title: "Ledger’s cost", isFigure: true, render: (row) => <Money usd={row.ledger.cost_usd} /> },
          ...(hasNew ? [{ key: "notes", title: "Of this day", render: newOf }] : []),
        ]}
      />
    </section>
  );
}
