/** Two calls beside each other: what they share, what differs, and what somebody says of them. */
import type { ComponentChildren } from "preact";
import { formatCount, formatTime } from "../figures.ts";
import { groupName } from "../groups.ts";
import { Money } from "../parts/money.tsx";
import { addressOf } from "../route.ts";
import { apartOf, keyOf, type Pair } from "./decisions.ts";
import { Verdict, type VerdictProps } from "./verdict.tsx";

interface PairProps extends VerdictProps {
  zone: string;
}

type Call = Pair["calls"][number];

export function PairCard({ zone, ...of }: PairProps) {
  const { pair, decision } = of;
  const { calls, model, input_tokens: input, output_tokens: output, session_id, trace_id, user_id } = pair;
  const [name, owner] =
    session_id !== null
      ? (["session_id", session_id] as const)
      : trace_id !== null
        ? (["trace_id", trace_id] as const)
        : (["user", user_id ?? ""] as const);
  const rows: [string, keyof Call, (call: Call) => ComponentChildren][] = [
    [
      "Began",
      "id",
      ({ id, timestamp }) => {
        const [day, time] = formatTime(Date.parse(timestamp), zone).split(" ");
        return (
          <a href={addressOf("call", { tz: zone }, id)} title="Receipt">
            <span class="calls-time">{day}</span> <span class="calls-time">{time + timestamp.slice(19, 23)}</span>
          </a>
        );
      },
    ],
    ["Read as", "rule", ({ rule }) => <bdi>{rule}</bdi>],
    ["Application", "application", ({ application }) => <bdi>{groupName(application)}</bdi>],
    ["Cost", "cost_usd", ({ cost_usd: usd }) => <Money usd={usd} />],
  ];
  return (
    <section class="card agents-pair" data-key={keyOf(pair)}>
      <h2>
        <bdi>{groupName(model)}</bdi>
      </h2>
      <p>
        {formatCount(input ?? 0)} tokens in and {formatCount(output ?? 0)} out, {apartOf(pair)}, of the same{" "}
        {name.replace("_id", "")}{" "}
        <a href={addressOf("calls", { [name]: owner, billable: "all", range: "90d" })}>
          <bdi>{groupName(owner)}</bdi>
        </a>
        . No id joins them.
      </p>
      <div class="table">
        <table>
          <caption>The two calls</caption>
          <thead>
            <tr>
              <td />
              {calls.map(({ id }, i) => (
                <th key={id} scope="col">
                  {i === 0 ? "First" : "Second"}
                  {decision && !decision.counted.includes(id) && ", does not count"}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(([title, name, render]) => (
              <tr key={title} class={calls[0]![name] === calls[1]![name] ? undefined : "agents-differs"}>
                <th scope="row">{title}</th>
                {calls.map((call) => (
                  <td key={call.id}>{render(call)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Verdict {...of} />
    </section>
  );
}
