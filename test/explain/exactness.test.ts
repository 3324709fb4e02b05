/**
 * The promise that parts add up to the difference, for any history in the database: calls of any kind, priced or not,
 * merged or not, and any two periods. Before and after are what the summaries of these periods say.
 */
import { HOUR_MS } from "../../src/time.ts";
import fc from "fast-check";
import { expect, it } from "vitest";
import { explain, type ExplainedRow, type ShownParts } from "../../src/explain/explain.ts";
import { parseExplainQuery } from "../../src/explain/query.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { picoToUsd } from "../../src/money.ts";
import { mergeStep } from "../../src/rollup/merge.ts";
import { parseSummaryQuery } from "../../src/summary/query.ts";
import { summarize } from "../../src/summary/summarize.ts";
import { database, newProject } from "../ledger.ts";
import { priced, traces } from "../calls.ts";

const db = database();
const START_MS = Date.UTC(2025, 2, 29, 12); // Europe changes its clocks on the 30th
const END_MS = START_MS + 72 * HOUR_MS;

const period = fc
  .record({
    from: fc.integer({ min: 0, max: 71 }),
    hours: fc.integer({ min: 1, max: 48 }),
    // Ragged edges are read from the traces.
    ragged: fc.constantFrom(0, 1, 1_800_000),
  })
  .map(({ from, hours, ragged }) => ({
    from: START_MS + from * HOUR_MS + ragged,
    to: START_MS + (from + hours) * HOUR_MS + ragged,
  }));
const filter = fc.constantFrom<Record<string, string>>(
  {},
  {},
  { application: "assistant" },
  { model: "gpt-4o" },
  { user: "ada" },
  { "tag.team": "blue", operation: "chat" },
);

it("parts add up to the difference, rows to the totals, part by part", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(traces(START_MS), { minLength: 1, maxLength: 60 }),
      fc.array(fc.record({ after: period, before: period, filter }), { minLength: 4, maxLength: 4 }),
      fc.integer({ min: 0, max: 60 }),
      async (all, questions, merged) => {
        const project = await newProject(db);
        const half = Math.ceil(all.length / 2);
        await writeBatch(db, project, all.slice(0, half).map(priced));
        if (merged > 0) await mergeStep(db, merged);
        await writeBatch(db, project, all.slice(half).map(priced));

        const explained = [];
        for (const question of questions) explained.push(await explainExactly(project, question));
        await mergeStep(db, 10_000);
        for (const [i, question] of questions.entries())
          expect(await explainExactly(project, question)).toEqual(explained[i]);
      },
    ),
    { numRuns: 40 },
  );
});

interface Question {
  after: { from: number; to: number };
  before: { from: number; to: number };
  filter: Record<string, string>;
}

async function explainExactly(project: string, { after, before, filter }: Question) {
  const compared = { compare_from: String(before.from), compare_to: String(before.to) };
  const range = ({ from, to }: Question["after"]) => ({ from: String(from), to: String(to), ...filter });
  const query = parseExplainQuery(new URLSearchParams({ ...range(after), ...compared }), END_MS);
  const explanation = await explain(db, project, query, END_MS);

  const byModel = { group_by: "application,provider,model" };
  for (const [side, asked] of [
    ["before", before],
    ["after", after],
  ] as const) {
    const params = new URLSearchParams({ ...range(asked), ...byModel });
    const summary = await summarize(db, project, parseSummaryQuery(params, END_MS), END_MS);
    expect(explanation[side]).toEqual(summary.totals);
    expect(costs(explanation.rows, side)).toEqual(
      summary.rows
        .map(({ application, provider, model, cost_usd, requests, unpriced_requests }) =>
          [application, provider, model, cost_usd, requests, unpriced_requests].join("|"),
        )
        .sort(),
    );
  }

  const { rows, parts, difference_usd } = explanation;
  for (const row of rows) {
    expect(usd(sum(Object.values(row.parts)))).toBe(row.difference_usd);
    expect(usd(pico(row.after_usd) - pico(row.before_usd))).toBe(row.difference_usd);
  }
  expect(usd(sum(Object.values(parts)))).toBe(difference_usd);
  expect(usd(sum(rows.map((row) => row.difference_usd)))).toBe(difference_usd);
  for (const name of Object.keys(parts) as (keyof ShownParts)[])
    expect(usd(sum(rows.map((row) => row.parts[name])))).toBe(parts[name]);
  return explanation;
}

/** Rows that have calls on a side. */
function costs(rows: ExplainedRow[], side: "before" | "after"): string[] {
  return rows
    .filter((row) => row[`${side}_requests`] > 0)
    .map((row) =>
      [
        row.application,
        row.provider,
        row.model,
        row[`${side}_usd`],
        row[`${side}_requests`],
        row[`${side}_unpriced_requests`],
      ].join("|"),
    )
    .sort();
}

/** Null is nothing here. */
function pico(usd: string | null): bigint {
  const [, sign, whole, fraction = ""] = /^(-?)(\d+)(?:\.(\d{1,12}))?$/.exec(usd ?? "0")!;
  const size = BigInt(whole + fraction.padEnd(12, "0"));
  return sign === "-" ? -size : size;
}

function sum(amounts: string[]): bigint {
  return amounts.reduce((total, amount) => total + pico(amount), 0n);
}

const usd = picoToUsd;
