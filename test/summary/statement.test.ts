/** Three summaries as text. `npx vitest run test/summary/statement -u` writes them anew. */
import { expect, it } from "vitest";
import { parseSummaryQuery } from "../../src/summary/query.ts";
import { summaryStatement } from "../../src/summary/statement.ts";
import { measuresFor } from "../../src/summary/measured.ts";
import { windowsOf } from "../../src/summary/windows.ts";
import { textOf } from "../statement-text.ts";

const NOW = Date.UTC(2026, 2, 20);

it.each([
  // Weeks in the middle, days at both ends; from the rows of a grouping set.
  ["by model", "from=2026-01-01&to=2026-03-01&group_by=model"],
  // Labels have no week rows, and their partial rows may not be spread yet.
  ["by user with latency", "from=2026-03-01&to=2026-03-11&group_by=user&include=latency"],
  // Berlin's days begin within UTC days, and the range within an hour.
  ["ragged days of Berlin", "from=2026-03-01T00:30:00%2B01:00&to=2026-03-05&tz=Europe/Berlin&interval=day"],
])("reads %s by this statement", async (name, params) => {
  const query = parseSummaryQuery(new URLSearchParams(params), NOW);
  const windows = windowsOf(query.fromMs, query.toMs, query.interval, query.zone)!;
  const intervalStartsMs = query.interval === "none" ? [] : [...new Set(windows.map(({ intervalMs }) => intervalMs))];
  const statement = summaryStatement({
    projectId: "00000000-0000-4000-8000-000000000001",
    query,
    windows,
    intervalStartsMs,
    measures: measuresFor(query),
    maxRows: 10_001,
  });
  await expect(textOf(statement)).toMatchFileSnapshot(`${name.replaceAll(" ", "-")}.sql`);
});
