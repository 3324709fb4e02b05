/** A load test's report: one HTML file that needs nothing else, and the same in lines for the terminal. */
import { type Chart, chartSvg, escapeHtml } from "./charts.ts";
import type { CpuUser } from "./cpu.ts";
import type { LoadReport } from "./load-test.ts";
import type { Figures } from "./record.ts";

const CPU_NAMES: Record<CpuUser, string> = {
  worker: "Worker (workerd)",
  postgres: "Postgres",
  endpoint: "local endpoint",
  load: "load generator",
  machine: "whole machine",
};

export function reportLines(report: LoadReport): string[] {
  const { total, stages } = report;
  return [
    `${report.name}, ${report.target}, on ${report.machine}`,
    ...stages.map(
      ({ name, users, offeredRate, achievedRate, fromDueMs, brokenBy }) =>
        `  ${name}: ${users} users, offered ${whole(offeredRate)}/s, achieved ${whole(achievedRate)}/s, p50 ${ms(fromDueMs.p50)}, p95 ${ms(fromDueMs.p95)}, p99 ${ms(fromDueMs.p99)} from due${brokenBy.length > 0 ? `; does not hold: ${brokenBy.join("; ")}` : ""}`,
    ),
    `  all: p95 ${ms(total.fromDueMs.p95)}, p99 ${ms(total.fromDueMs.p99)} from due; p95 ${ms(total.fromSentMs.p95)}, p99 ${ms(total.fromSentMs.p99)} from sent`,
    `  answers: ${outcomesSentence(total)}`,
    ...(cpuSentence(report) === "" ? [] : [`  CPU: ${cpuSentence(report)}`]),
    `  ledger: ${ledgerSentence(report)}`,
    ...(report.held === undefined ? [] : [`  held: ${report.held}`]),
    ...(report.bottleneck === undefined ? [] : [`  bottleneck: ${report.bottleneck}`]),
    ...(report.faults.length > 0 ? [`  WRONG: ${report.faults.join("; ")}`] : []),
  ];
}

export function reportHtml(report: LoadReport): string {
  const right = report.faults.length === 0;
  const verdict = right ? "Nothing acknowledged is lost, no 5xx but 503" : report.faults.join("; ");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Load test: ${escapeHtml(report.name)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Load test: ${escapeHtml(report.name)}</h1>
<p>${escapeHtml(`${report.startedAt}, ${report.target}, load made on ${report.machine}`)}</p>
<p class="${right ? "right" : "wrong"}"><b>${escapeHtml(verdict)}.</b> ${escapeHtml(ledgerSentence(report))}.</p>
${report.held === undefined ? "" : `<p><b>Held:</b> ${escapeHtml(report.held)}</p>`}
${report.bottleneck === undefined ? "" : `<p><b>Bottleneck:</b> ${escapeHtml(report.bottleneck)}</p>`}
<p><b>Answers:</b> ${escapeHtml(outcomesSentence(report.total))}</p>
${stageTable(report)}
${latencyTable(report)}
${report.stalls.length === 0 ? "" : "<p><b>Shaded:</b> the database stood still.</p>"}
${charts(report).map(chartSvg).join("\n")}
${cpuSentence(report) === "" ? "" : `<p><b>CPU, mean:</b> ${escapeHtml(cpuSentence(report))}</p>`}
<p class="note">Latency from due counts from when the schedule wanted a request sent, so that waiting behind slow answers
is part of it; requests that were never sent count with the time they had waited. Latency from sent leaves that out.
Percentiles are at most 0.8% too high. Achieved counts 2xx answers. 100% CPU is one core.</p>
</body>
</html>
`;
}

function stageTable({ stages }: LoadReport): string {
  const rows = stages.map((stage) => [
    stage.name,
    whole(stage.users),
    whole(stage.offeredRate),
    whole(stage.achievedRate),
    whole(stage.unsent),
    ms(stage.fromDueMs.p50),
    ms(stage.fromDueMs.p95),
    ms(stage.fromDueMs.p99),
    stage.brokenBy.length === 0 ? "yes" : `no: ${stage.brokenBy.join("; ")}`,
  ]);
  return table(
    "stages",
    ["stage", "users", "offered/s", "achieved/s", "never sent", "p50", "p95", "p99", "holds"],
    rows,
  );
}

function latencyTable({ total, kinds }: LoadReport): string {
  const row = (name: string, figures: Figures): string[] => {
    const { p50, p90, p95, p99, max } = figures.fromDueMs;
    const sent = figures.fromSentMs;
    return [name, whole(figures.offered), ...[p50, p90, p95, p99, max, sent.p50, sent.p95, sent.p99, sent.max].map(ms)];
  };
  const rows = [row("all that was due", total), ...Object.entries(kinds).map(([kind, figures]) => row(kind, figures))];
  const sent = ["sent p50", "sent p95", "sent p99", "sent max"];
  return table("latencies", ["request", "count", "due p50", "due p90", "due p95", "due p99", "due max", ...sent], rows);
}

function charts({ seconds, cpu, stalls }: LoadReport): Chart[] {
  const answered = (second: Figures): boolean => second.fromDueMs.max > 0;
  const latency = (pick: (second: Figures) => number): (number | null)[] =>
    seconds.map((second) => (answered(second) ? pick(second) : null));
  const outcome = (name: keyof Figures["outcomes"]): number[] => seconds.map(({ outcomes }) => outcomes[name]);
  const users = (Object.keys(CPU_NAMES) as CpuUser[]).filter((user) =>
    cpu.some(({ cores }) => cores[user] !== undefined),
  );
  const cpuAt = (user: CpuUser): (number | null)[] => {
    const values = Array.from({ length: seconds.length }, (): number | null => null);
    for (const { atMs, seconds: lasted, cores } of cpu) {
      const from = Math.max(0, Math.round(atMs / 1_000 - lasted));
      values.fill(cores[user] === undefined ? null : 100 * cores[user], from, Math.round(atMs / 1_000));
    }
    return values;
  };
  return [
    {
      title: "Latency from due",
      unit: "ms",
      shaded: stalls,
      series: [
        { name: "p50", values: latency(({ fromDueMs }) => fromDueMs.p50) },
        { name: "p95", values: latency(({ fromDueMs }) => fromDueMs.p95) },
        { name: "p99", values: latency(({ fromDueMs }) => fromDueMs.p99) },
        { name: "p95 from sent", values: latency(({ fromSentMs }) => fromSentMs.p95) },
      ],
    },
    {
      title: "Throughput",
      unit: "requests/s",
      series: [
        { name: "offered", values: seconds.map(({ offered }) => offered) },
        { name: "achieved", values: outcome("ok") },
      ],
    },
    {
      title: "Errors",
      unit: "answers/s",
      series: [
        { name: "429", values: outcome("limited") },
        { name: "503", values: outcome("unavailable") },
        { name: "other 5xx", values: outcome("error") },
        { name: "other 4xx", values: outcome("refused") },
        { name: "no answer", values: outcome("failed") },
      ],
    },
    ...(users.length === 0
      ? []
      : [
          {
            title: "CPU",
            unit: "% of one core",
            series: users.map((user) => ({ name: CPU_NAMES[user], values: cpuAt(user) })),
          },
        ]),
  ];
}

function outcomesSentence({ offered, unsent, outcomes }: Figures): string {
  const { ok, limited, unavailable, refused, error, failed } = outcomes;
  return `${whole(ok)} ok of ${whole(offered)} due; 429: ${limited}, 503: ${unavailable}, other 4xx: ${refused}, other 5xx: ${error}, no answer: ${failed}, never sent: ${unsent}`;
}

function ledgerSentence({ ledger }: LoadReport): string {
  const { acknowledged, open, counted, lost, settledAfterMs, trouble } = ledger;
  if (trouble !== undefined) return `${whole(acknowledged)} calls acknowledged, not checked`;
  const unknown = open > 0 ? ` (${whole(open)} more may be there, as they were not acknowledged)` : "";
  const settled = settledAfterMs === undefined ? "" : ` at most ${ms(settledAfterMs)} after the last answer`;
  return `${whole(acknowledged)} calls acknowledged, ${whole(counted)} counted${settled}${unknown}, ${lost} lost`;
}

function cpuSentence({ meanCpu, cores }: LoadReport): string {
  const parts = Object.entries(meanCpu).map(([user, used]) =>
    user === "machine"
      ? `whole machine ${Math.round((100 * used) / cores)}% of its ${cores} cores`
      : `${CPU_NAMES[user as CpuUser]} ${Math.round(100 * used)}%`,
  );
  return parts.join(", ");
}

function table(kind: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join("")}</tr>`;
  return `<table class="${kind}">${line(head, "th")}${rows.map((row) => line(row, "td")).join("\n")}</table>`;
}

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(1) : whole(value)} ms`;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

const STYLE = `
:root { color-scheme: light dark; --line: #8884; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1000px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; font-size: 13px; }
th, td { border-bottom: 1px solid var(--line); padding: 3px 9px; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
.stages :is(th, td):last-child { text-align: left; white-space: normal; }
figure { margin: 1.5rem 0; }
figcaption span { margin-left: .9rem; white-space: nowrap; }
figcaption i { display: inline-block; width: .8em; height: .8em; margin-right: .3em; border-radius: 2px; }
svg { width: 100%; height: auto; }
svg text { font: 11px system-ui, sans-serif; fill: currentColor; opacity: .75; }
svg path { fill: none; stroke-width: 1.6; stroke-linejoin: round; stroke-linecap: round; }
.grid { stroke: var(--line); }
.shade { fill: var(--line); opacity: .35; }
.right { border-left: 4px solid #009e73; padding-left: .7rem; }
.wrong { border-left: 4px solid #d55e00; padding-left: .7rem; }
.note { font-size: 13px; opacity: .8; }
`;
