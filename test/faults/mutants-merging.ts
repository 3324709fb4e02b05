/** Mutants of merging and compacting, with the tests that notice them: sums stay right under most, and work does not. */
import type { Mutant } from "./mutants.ts";

const CRON = { project: "worker", file: "test/cron.worker.test.ts" } as const;
const MERGE = { project: "node", file: "test/rollup/merge.test.ts" } as const;
const EXACTNESS = { project: "node", file: "test/rollup/exactness.test.ts" } as const;

export const MERGING_MUTANTS: readonly Mutant[] = [
  {
    name: "labels wait in no minute",
    file: "src/cron.ts",
    from: "minute % LABELS_EVERY !== 0;",
    to: "minute % LABELS_EVERY === -1;",
    test: CRON,
  },
  {
    name: "labels wait in every minute",
    file: "src/cron.ts",
    from: "minute % LABELS_EVERY !== 0;",
    to: "minute % LABELS_EVERY !== -1;",
    test: CRON,
  },
  {
    name: "labels wait however many they are",
    file: "src/rollup/merge.ts",
    from: "const MANY_UNSPREAD = 20_000;",
    to: "const MANY_UNSPREAD = 2_000_000;",
    test: MERGE,
  },
  {
    name: "one project with many labels has those of all merged",
    file: "src/rollup/merge.ts",
    from: "const ids = which.of ?? (await partialProjects(db));",
    to: "const ids = await partialProjects(db);",
    test: MERGE,
  },
  {
    name: "nobody is told that labels wait",
    file: "src/rollup/merge.ts",
    from: "waiting = many.length < unspread.length;",
    to: "waiting = many.length < 0;",
    test: CRON,
  },
  {
    name: "labels are compacted although it saves no row",
    file: "src/rollup/compact.ts",
    from: "labels ? areTwiceTheGroups : sql`true`",
    to: "labels ? sql`true` : sql`true`",
    test: MERGE,
  },
  {
    name: "labels wait for the end of the hour whatever compacting would save",
    file: "src/rollup/compact.ts",
    from: "labels ? areTwiceTheGroups : sql`true`",
    to: "labels ? sql`false` : sql`true`",
    test: MERGE,
  },
  {
    name: "compacting takes fresh rows alone",
    file: "src/rollup/compact.ts",
    from: "(values (s.level), (s.level - ${FRESHNESS})) as either",
    to: "(values (s.level), (s.level + 100)) as either",
    test: MERGE,
  },
  {
    name: "a part of a slice takes all of it",
    file: "src/rollup/compact.ts",
    from: "% s.parts = s.part)",
    to: "% s.parts < s.parts)",
    test: MERGE,
  },
  {
    name: "the first rows of a slice are fresh",
    file: "src/rollup/merging.ts",
    from: "case when s.has_begun then s.level",
    to: "case when true then s.level",
    test: MERGE,
  },
  {
    name: "labels get weeks",
    file: "src/rollup/merging.ts",
    from: "where l.level <> ${LEVEL.freshWeek} or",
    to: "where l.level <> 100 or",
    test: MERGE,
  },
  {
    name: "a crowded label has all its values",
    file: "src/rollup/merging.ts",
    from: "case when ${toldApart} then l.value",
    to: "case when ${toldApart} or true then l.value",
    test: MERGE,
  },
  {
    name: "rows that are not plain are dropped",
    file: "src/rollup/grouped.ts",
    from: "and not t.is_plain)",
    to: "and t.is_plain is null)",
    test: MERGE,
  },
  {
    name: "rows with rare measures are taken for plain",
    file: "src/rollup/grouped.ts",
    from: `columns([...RARE, "latency_counts"])`,
    to: `columns(["latency_counts"])`,
    test: MERGE,
  },
  {
    name: "rows with counts of bins are taken for plain",
    file: "src/rollup/grouped.ts",
    from: `columns([...RARE, "latency_counts"])`,
    to: "columns(RARE)",
    test: EXACTNESS,
  },
  {
    name: "large sums are added up as bigints",
    file: "src/rollup/grouped.ts",
    from: "const MOST_PLAIN = sql`1e13`;",
    to: "const MOST_PLAIN = sql`1e18`;",
    test: MERGE,
  },
  {
    name: "joined histograms lose the counts of rows that have none",
    file: "src/rollup/grouped.ts",
    from: "coalesce(latency_counts, array_fill(1, array[cardinality(latency_buckets)]))",
    to: "latency_counts",
    test: EXACTNESS,
  },
  {
    name: "histograms are joined without their counts",
    file: "src/rollup/grouped.ts",
    from: "when g.counted > 0 then g.latency_calls",
    to: "when g.counted < 0 then g.latency_calls",
    test: EXACTNESS,
  },
  {
    name: "long histograms count each bin once",
    file: "src/rollup/grouped.ts",
    from: "select latency_bin, sum(calls)::integer as calls",
    to: "select latency_bin, count(*)::integer as calls",
    test: MERGE,
  },
];
