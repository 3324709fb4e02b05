/** A plan: what its seats cost, and what their people used of them. */
import { useState } from "preact/hooks";
import { formatCount } from "../figures.ts";
import { ledger, read, type Schemas, useAnswer } from "../ledger.ts";
import { ProblemMessage } from "../parts/message.tsx";
import { Money } from "../parts/money.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { Table } from "../parts/table.tsx";
import { type Range, utcDays } from "../range.ts";
import { addressOf } from "../route.ts";
import { Confirm } from "../settings/confirm.tsx";
import { sent } from "../write.ts";

export type Plan = Schemas["Plan"];
type Use = Schemas["PlanUse"];

interface PlanCardProps {
  plan: Plan;
  range: Range;
  mayWrite: boolean;
  onGone: () => void;
}

export function PlanCard({ plan, range, mayWrite, onGone }: PlanCardProps) {
  const { id, name, seat_usd: price, period, from, to, seats } = plan;
  const [isAsking, setAsking] = useState(false);
  const asked = utcDays(range);
  const { data, problem, retry } = useAnswer(`plan ${id} ${JSON.stringify(asked)}`, (signal) =>
    read(ledger.GET("/v1/plans/{id}/use", { params: { path: { id }, query: asked }, signal })),
  );
  return (
    <section class="card agents-plan" data-key={id}>
      <div class="title">
        <h2>
          <bdi>{name}</bdi>
        </h2>
        {mayWrite && (
          <button type="button" class="quiet" aria-label={`Delete the plan ${name}`} onClick={() => setAsking(true)}>
            Delete …
          </button>
        )}
      </div>
      <p class="muted">
        <Money usd={price} /> for a seat and {period}, {formatCount(seats)} {seats === 1 ? "seat" : "seats"}, from{" "}
        {dayOf(from)}
        {to !== null && ` until ${dayOf(to)}`}
      </p>
      <ProblemMessage problem={problem} retry={retry} />
      {data ? <UseOf use={data} /> : problem === null && <Skeleton rows={4} label="Loading what was used" />}
      {isAsking && (
        <Confirm
          title="Delete this plan?"
          action="Delete the plan"
          onClose={() => setAsking(false)}
          run={async () => {
            await sent(ledger.DELETE("/v1/plans/{id}", { params: { path: { id } } }));
            onGone();
          }}
        >
          <p>
            “<bdi>{name}</bdi>” with its people is gone then, and nobody can undo it. No call and no cost changes.
          </p>
        </Confirm>
      )}
    </section>
  );
}

function UseOf({ use: { totals, periods, capped } }: { use: Use }) {
  if (periods.length === 0) return <p>No period of it has begun in this range.</p>;
  const unused = totals.unused_seats;
  const people = periods.flatMap((period) =>
    period.people.map((person) => ({ ...person, from: period.from, to: period.to })),
  );
  return (
    <>
      <p class="big">
        <Worth of={totals} />
      </p>
      <p>
        <Money usd={totals.cost_usd} /> used of <Money usd={totals.price_usd} /> paid
        {periods.some(({ open }) => open) && ", in a period that is not over"}.{" "}
        {unused > 0 && (
          <strong>
            {formatCount(unused)} {unused === 1 ? "seat" : "seats"} without a call: <Money usd={totals.unused_usd} />.
          </strong>
        )}
        {capped && " People may have used more: on some day the project had too many users to tell all of them apart."}
      </p>
      <Table
        caption="What each seat was worth"
        rows={people}
        keyOf={({ user, from }) => JSON.stringify([from.slice(0, 10), user])}
        columns={[
          {
            key: "user",
            title: "Person",
            render: ({ user, from, to }) => (
              <a href={addressOf("calls", { user, covered_by: "plan", from, to, tz: "UTC" })}>
                <bdi>{user}</bdi>
              </a>
            ),
          },
          { key: "period", title: "Period from", render: ({ from }) => dayOf(from) },
          { key: "worth", title: "Worth its price", render: (person) => <Worth of={person} /> },
          { key: "used", title: "Used", isFigure: true, render: ({ cost_usd: usd }) => <Money usd={usd} /> },
          { key: "paid", title: "Paid", isFigure: true, render: ({ price_usd: usd }) => <Money usd={usd} /> },
          { key: "calls", title: "Calls", isFigure: true, render: ({ requests }) => formatCount(requests) },
        ]}
      />
    </>
  );
}

/** From 1 on, the seat was worth what it cost. */
function Worth({ of: { worth, requests } }: { of: Pick<Use["totals"], "worth" | "requests"> }) {
  if (worth === null) return <span class="muted">unknown</span>;
  return (
    <span class="agents-share">
      <progress max={1} value={Math.min(Number(worth), 1)} aria-label="Worth its price" />
      {requests === 0 ? "not used" : `${worth}×`}
    </span>
  );
}

function dayOf(time: string): string {
  return time.slice(0, 10);
}
