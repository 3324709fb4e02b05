/** Do the sums agree with the calls, to the last digit? Of the chosen project, the last days. */
import { useState } from "preact/hooks";
import { formatCount } from "../figures.ts";
import { ledger, read, useAnswer } from "../ledger.ts";
import { Message, ProblemMessage } from "../parts/message.tsx";
import { Difference, Money } from "../parts/money.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { Table } from "../parts/table.tsx";
import { sent } from "../write.ts";
import { iso } from "../zone.ts";
import { Confirm } from "./confirm.tsx";

const DAY_MS = 86_400_000;
const DAYS = 7;

export function Audit() {
  const to = (Math.floor(Date.now() / DAY_MS) + 1) * DAY_MS;
  const range = { from: iso(to - DAYS * DAY_MS), to: iso(to) };
  const { data, problem, retry } = useAnswer(`audit ${JSON.stringify(range)}`, (signal) =>
    read(ledger.GET("/v1/audit", { params: { query: range }, signal })),
  );
  const [isAsking, setAsking] = useState(false);
  const [repaired, setRepaired] = useState<string | null>(null);
  const repair = async (): Promise<void> => {
    const { days, groups } = await repairAll(range);
    setRepaired(
      groups === 0
        ? "Nothing had to be changed."
        : `${counted(groups, "group")} on ${counted(days, "day")} were put right.`,
    );
    retry();
  };
  return (
    <section class="card" aria-labelledby="audit-title">
      <h2 id="audit-title">Audit of the last {DAYS} days, in UTC</h2>
      <p class="muted">
        Each sum that the views show is compared with the calls behind it, of this project. Costs are in USD.
      </p>
      <ProblemMessage problem={problem} retry={retry} />
      {!data && problem === null && <Skeleton rows={DAYS} label="Comparing sums with calls" />}
      {repaired !== null && <p role="status">{repaired}</p>}
      {data?.ok && (
        <p class="settings-verdict" role="status">
          <span aria-hidden="true">✓</span> 0 differences
        </p>
      )}
      {data && !data.ok && (
        <Message
          kind="problem"
          title={`${data.mismatches.length}${data.mismatches.length >= 100 ? " or more" : ""} sums differ from the calls`}
        >
          The calls are right. A repair takes the sums from them anew.{" "}
          <button type="button" onClick={() => setAsking(true)}>
            Repair these days
          </button>
        </Message>
      )}
      {data?.days.length === 0 && <p>There were no calls on these days.</p>}
      {data && data.days.length > 0 && (
        <Table
          caption="Sums and calls by day"
          rows={[...data.days].reverse()}
          keyOf={({ day }) => day}
          columns={[
            { key: "day", title: "Day", render: ({ day }) => day },
            { key: "calls", title: "Calls", isFigure: true, render: ({ raw }) => formatCount(raw.requests) },
            { key: "cost", title: "Their cost", isFigure: true, render: ({ raw }) => <Money usd={raw.cost_usd} /> },
            { key: "sum", title: "In sums", isFigure: true, render: ({ rollup }) => <Money usd={rollup.cost_usd} /> },
            {
              key: "difference",
              title: "Difference",
              isFigure: true,
              render: ({ difference }) => <Difference usd={difference.cost_usd} />,
            },
          ]}
        />
      )}
      {data && data.mismatches.length > 0 && <h3>Sums that differ</h3>}
      {data && data.mismatches.length > 0 && (
        <Table
          caption="Sums that differ"
          rows={data.mismatches}
          keyOf={({ day, level, label, measure }) => JSON.stringify([day, level, label, measure])}
          columns={[
            { key: "day", title: "Day", render: ({ day }) => day },
            { key: "rows", title: "Rows", render: ({ level, label }) => `${level}, ${label || "main"}` },
            { key: "measure", title: "Measure", render: ({ measure }) => measure },
            { key: "raw", title: "Calls", isFigure: true, render: ({ raw }) => raw },
            { key: "rollup", title: "Sums", isFigure: true, render: ({ rollup }) => rollup },
          ]}
        />
      )}
      {isAsking && (
        <Confirm title="Repair these days?" action="Repair" onClose={() => setAsking(false)} run={repair}>
          <p>Sums of the last {DAYS} days are taken from the calls anew. Views may show other figures than before.</p>
        </Confirm>
      )}
    </section>
  );
}

function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** One request compares only so much: the answer says where to go on. */
async function repairAll(range: { from: string; to: string }): Promise<{ days: number; groups: number }> {
  const days = new Set<string>();
  let groups = 0;
  for (let from: string | null = range.from; from !== null;) {
    const answer: { next_from: string | null; changes: { day: string; groups: number }[] } = await sent(
      ledger.POST("/v1/repair", { body: { from, to: range.to } }),
    );
    for (const change of answer.changes) {
      days.add(change.day);
      groups += change.groups;
    }
    from = answer.next_from;
  }
  return { days: days.size, groups };
}
