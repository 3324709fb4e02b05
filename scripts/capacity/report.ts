/** Estimates as text. */
import { coresOf } from "./citus.ts";
import type { Calibration } from "./calibration.ts";
import type { Estimate } from "./estimate.ts";
import type { Percentiles } from "./latencies.ts";
import { LIST_PRICES } from "./prices.ts";

export function reportOf({ scenario, postgres, need, outcome, storage, bill, verdict }: Estimate): string {
  const { busiest, queue, databaseUs } = outcome;
  const work = databaseUs.ingest + databaseUs.merge + databaseUs.summary;
  const ofPrimary = work - (scenario.replica ? databaseUs.summary : 0);
  const primary = coresOf(postgres);
  const section = (title: string, rows: [string, string][]): string =>
    [title, ...rows.map(([name, value]) => `  ${name.padEnd(26)}${value}`)].join("\n");
  return [
    section("Traffic", [
      ["traces", `${count(outcome.arrived)} a day; ${count(busiest.traces)} in the busiest second`],
      ["requests", `${count(outcome.requests)} a day, ${scenario.mode} mode`],
      ["summaries", `${count(outcome.reads)} a day, ${percent(scenario.cacheHits)} from the cache`],
      ["regions", scenario.regions.map(({ name, share }) => `${name} ${percent(share)}`).join(", ")],
    ]),
    section("Latency, ms", [
      ["ingest", milliseconds(outcome.ingestMs)],
      ["until summaries show it", milliseconds(outcome.visibleMs)],
      ["summary", milliseconds(outcome.summaryMs)],
    ]),
    section("Queue", [
      [scenario.mode === "queue" ? "traces in it" : "traces that wait", `${count(queue.most)} at most`],
      ["longest until empty", `${count(queue.longestSeconds)} s`],
      ["left at the end", count(queue.atEnd)],
      ...(scenario.mode === "direct"
        ? ([["answered 503 at first", count(outcome.unavailable)]] as [string, string][])
        : []),
    ]),
    section("Postgres", [
      ["size", sizeOf(postgres)],
      [
        "CPU",
        `${percent(ofPrimary / 1e6 / 86_400 / primary)} on average, ${percent(need.primary / primary)} at the busiest`,
      ],
      [
        scenario.replica ? "of that and the replica's" : "of that",
        `write ${percent(databaseUs.ingest / work)}, merge ${percent(databaseUs.merge / work)}, summaries ${percent(databaseUs.summary / work)}`,
      ],
      ["statements", `${count(outcome.statements / 86_400)} a second, ${count(busiest.statements)} in the busiest`],
      ["connections at work", `${count(busiest.connections)} at most`],
      ["not merged at the end", `${count(outcome.unmerged)} traces`],
    ]),
    section(`Storage after ${scenario.historyDays} days, with indexes`, [
      ["traces", `${bytes(storage.traces)}, ${count(storage.traceRows)} rows`],
      ["rollups", `${bytes(storage.rollups)}, ${count(storage.rollupRows)} rows`],
    ]),
    section("Price a month, USD", [
      ...bill.lines.map(({ what, quantity, unit, usd }): [string, string] => [
        what,
        `${dollars(usd).padStart(12)}  ${count(quantity)} ${quantity === 1 ? unit.replace(/s$/, "") : unit}`,
      ]),
      ["total", dollars(bill.totalUsd).padStart(12)],
    ]),
    section(
      `Bottleneck: ${verdict.bottleneck ?? "none, nothing is near its end"}${verdict.holds ? "" : ". This does not hold"}`,
      verdict.parts.map(({ name, share, used }) => [name, `${percent(share).padStart(5)}  ${used}`]),
    ),
    ...verdict.advice.map((sentence) => `  -> ${sentence}`),
  ].join("\n");
}

/** One row a scenario. */
export function tableOf(named: readonly { name: string; estimate: Estimate }[]): string {
  const head = [
    "tier",
    "traces/day",
    "mode",
    "Postgres",
    "CPU",
    "ingest p99",
    "summary p99",
    "queue",
    "storage",
    "USD/month",
    "bottleneck",
  ];
  const rows = named.map(({ name, estimate: { scenario, postgres, need, outcome, storage, bill, verdict } }) => [
    name,
    count(scenario.tracesPerDay),
    scenario.mode,
    `${postgres.coordinatorCores > 0 ? "1 + " : ""}${postgres.shards > 1 ? `${postgres.shards} x ` : ""}${postgres.coresPerShard} CU`,
    percent(need.primary / coresOf(postgres)),
    `${outcome.ingestMs.p99.toFixed(0)} ms`,
    `${outcome.summaryMs.p99.toFixed(0)} ms`,
    count(outcome.queue.most),
    bytes(storage.traces + storage.rollups),
    dollars(bill.totalUsd),
    verdict.bottleneck ?? "none",
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** What a reader must know to trust the figures no more than they deserve. */
export function caveats({ machine }: Calibration, citus = false): string {
  const read = [...new Set(Object.values(LIST_PRICES).map(({ readOn }) => readOn))].join(", ");
  return [
    `Calibrated on ${machine}; a CU of Postgres is taken for one of its cores, at its size all month.`,
    "Not in the model: disk and caches that are too small, autoscaling's delay, failures, cold starts. Of a send to a",
    "queue only the median is known.",
    ...(citus
      ? [
          "Citus: what a piece of work takes in all, and the coordinator's part of it, were measured on 13.2.2 with two workers",
          "on one machine. That workers of their own machines share theirs evenly is assumed. Neon has no Citus: its CU price",
          "stands for that of a core elsewhere (--price).",
        ]
      : []),
    `List prices of ${read} (scripts/capacity/prices.ts). Not in them: restore history, logs, traffic out of Neon, taxes.`,
  ].join("\n");
}

const sizeOf = ({ shards, coresPerShard, replicaCores, coordinatorCores }: Estimate["postgres"]): string =>
  coordinatorCores > 0
    ? `Citus: a coordinator and ${shards} workers of ${coresPerShard} CU each`
    : `${shards > 1 ? `${shards} shards of ` : ""}${coresPerShard} CU${replicaCores > 0 ? `, replica ${replicaCores} CU` : ""}`;

const milliseconds = ({ p50, p95, p99 }: Percentiles): string =>
  [`p50 ${count(p50)}`, `p95 ${count(p95)}`, `p99 ${count(p99)}`].join(", ");

function count(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: value < 10 ? 1 : 0 });
}

const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)}%`;

const dollars = (usd: number): string =>
  usd.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

function bytes(value: number): string {
  const step = Math.min(4, Math.floor(Math.log10(Math.max(value, 1)) / 3));
  return `${(value / 1_000 ** step).toFixed(1)} ${["B", "KB", "MB", "GB", "TB"][step]}`;
}
