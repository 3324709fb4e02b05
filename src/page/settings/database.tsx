/** How the database does, with what to do about it. */
import { formatCount, formatShare } from "../figures.ts";
import { ledger, read, type Schemas, useAnswer } from "../ledger.ts";
import { ProblemMessage } from "../parts/message.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { Table } from "../parts/table.tsx";
import { formatBytes } from "./bytes.ts";
import { When } from "./when.tsx";

const LARGEST = 8;

export function DatabaseSummary() {
  const { data, problem, isLoading, retry } = useAnswer("database", (signal) =>
    read(ledger.GET("/v1/admin/database", { signal })),
  );
  return (
    <>
      <ProblemMessage problem={problem} retry={retry} />
      {!data && problem === null && <Skeleton rows={8} label="Asking the database" />}
      {data && (
        <>
          <DatabaseFigures report={data} />
          <Findings report={data} />
          <section class="card" aria-labelledby="tables-title">
            <h2 id="tables-title">Largest tables</h2>
            <Table
              caption="Largest tables"
              rows={[...data.tables].sort((a, b) => b.total_bytes - a.total_bytes).slice(0, LARGEST)}
              keyOf={({ name }) => name}
              columns={[
                { key: "name", title: "Table", render: ({ name }) => name },
                {
                  key: "size",
                  title: "Size",
                  isFigure: true,
                  render: ({ total_bytes, estimated }) => (estimated ? "about " : "") + formatBytes(total_bytes),
                },
                { key: "rows", title: "Rows", isFigure: true, render: ({ rows }) => `about ${formatCount(rows)}` },
                {
                  key: "growth",
                  title: "Growth a day",
                  isFigure: true,
                  render: ({ bytes_a_day }) => (bytes_a_day === null ? "not known" : formatBytes(bytes_a_day)),
                },
              ]}
            />
          </section>
          <p class="settings-actions">
            <button type="button" class="quiet" disabled={isLoading} onClick={retry}>
              Ask again
            </button>
            <span class="muted">
              As of <When at={data.as_of} none="" />
              {problem !== null && <strong> (not up to date)</strong>}
            </span>
          </p>
        </>
      )}
    </>
  );
}

type Report = Schemas["DatabaseReport"];

function DatabaseFigures({ report }: { report: Report }) {
  const used = Object.values(report.connections.by_state).reduce((sum, count) => sum + count, 0);
  const figures: [string, string][] = [
    ["Postgres", report.server?.version ?? "not readable"],
    ["Size", formatBytes(report.size_bytes)],
    ["Growth a day", report.growth.bytes_a_day === null ? "not known yet" : formatBytes(report.growth.bytes_a_day)],
    ["Connections", `${used} of ${report.connections.max}`],
    ["Read from memory", formatShare(report.cache.hit_ratio)],
    ["Deadlocks", formatCount(report.deadlocks)],
  ];
  return (
    <dl class="figures" aria-label="Database">
      {figures.map(([title, value]) => (
        <div key={title}>
          <dt>{title}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Findings({ report: { findings, unread } }: { report: Report }) {
  return (
    <section class="card" aria-labelledby="findings-title">
      <h2 id="findings-title">What to do</h2>
      {findings.length === 0 && <p>Nothing: no finding.</p>}
      <ul class="settings-findings">
        {findings.map(({ severity, code, subject, advice }) => (
          <li key={`${code} ${subject}`} data-key={code}>
            <strong class={`settings-severity ${severity}`}>{severity}</strong>
            <span>
              <code>{code}</code>
              {subject !== null && (
                <>
                  {" "}
                  (<bdi>{subject}</bdi>)
                </>
              )}
              : {advice}
            </span>
          </li>
        ))}
      </ul>
      {unread.length > 0 && (
        <p class="muted">
          Not readable for the ledger’s role: {unread.map(({ what, reason }) => `${what} (${reason})`).join("; ")}.
        </p>
      )}
    </section>
  );
}
