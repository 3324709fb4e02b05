/** Two calls beside each other: what they share, what differs, and what somebody says of them. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { formatCount, formatTime } from "../figures.ts";
import { groupName } from "../groups.ts";
import type { Schemas } from "../ledger.ts";
import { Money } from "../parts/money.tsx";
import { addressOf } from "../route.ts";
import { Verdict } from "./verdict.tsx";

type Call = Schemas["DoubleCall"];
type Field = "id" | "rule" | "application" | "model" | "input_tokens" | "output_tokens" | "session_id" | "cost_usd";

export type Pair = Schemas["Double"];

export interface PairProps {
  pair: Pair;
  mayDecide: boolean;
  zone: string;
}

const text = (of: string | null) => (of === null ? "none" : <bdi>{groupName(of)}</bdi>);
const tokens = (count: number | null) => (count === null ? "unknown" : formatCount(count));

const ROWS: readonly [title: string, Field, render: (call: Call, zone: string) => ComponentChildren][] = [
  ["Began", "id", Began],
  ["Read as", "rule", ({ rule }) => <bdi>{rule}</bdi>],
  ["Application", "application", ({ application }) => text(application)],
  ["Cost", "cost_usd", ({ cost_usd: usd }) => <Money usd={usd} />],
  ["Model", "model", ({ model }) => text(model)],
  ["Session", "session_id", ({ session_id: id }) => text(id)],
  ["Tokens in", "input_tokens", ({ input_tokens: count }) => tokens(count)],
  ["Tokens out", "output_tokens", ({ output_tokens: count }) => tokens(count)],
];
/** The first rows are always there, the others only if they differ. */
const ALWAYS = 4;

export function PairCard({ pair: asListed, mayDecide, zone }: PairProps) {
  // What was said here is known before the list is asked for anew.
  const [said, setSaid] = useState<Pair | null>(null);
  const pair = said ?? asListed;
  const [first, second] = pair.calls as [Call, Call];
  const [name, owner] = ownerOf(pair);
  const ms = Date.parse(second.timestamp) - Date.parse(first.timestamp);
  return (
    <section class="card agents-pair" data-key={pair.id}>
      <h2>
        <bdi>{groupName(first.model)}</bdi>
      </h2>
      <p>
        {tokens(first.input_tokens)} tokens in and {tokens(first.output_tokens)} out,{" "}
        {ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`} apart
        {owner !== null && (
          <>
            , of the same {name.replace("_id", "")}{" "}
            <a href={addressOf("calls", { [name]: owner, billable: "all", range: "90d" })}>
              <bdi>{groupName(owner)}</bdi>
            </a>
          </>
        )}
        .
      </p>
      <div class="table">
        <table>
          <caption>The two calls</caption>
          <thead>
            <tr>
              <td />
              {[first, second].map(({ id, counts }, i) => (
                <th key={id} scope="col">
                  {i === 0 ? "First" : "Second"}
                  {!counts && ", does not count"}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {ROWS.map(([title, field, render], place) => {
              const differs = place > 0 && first[field] !== second[field];
              return (
                (differs || place < ALWAYS) && (
                  <tr key={title} class={differs ? "agents-differs" : undefined}>
                    <th scope="row">{title}</th>
                    <td>{render(first, zone)}</td>
                    <td>{render(second, zone)}</td>
                  </tr>
                )
              );
            })}
          </tbody>
        </table>
      </div>
      <Verdict pair={pair} mayDecide={mayDecide} onSaid={setSaid} />
    </section>
  );
}

function Began({ id, timestamp }: Call, zone: string) {
  const [day, time] = formatTime(Date.parse(timestamp), zone).split(" ");
  return (
    <a href={addressOf("call", { tz: zone }, id)} title="Receipt">
      <span class="calls-time">{day}</span> <span class="calls-time">{time + timestamp.slice(19, 23)}</span>
    </a>
  );
}

function ownerOf({ reason, calls: [call] }: Pair): readonly [name: string, value: string | null] {
  if (reason === "same_session") return ["session_id", call!.session_id];
  if (reason === "same_trace") return ["trace_id", call!.trace_id];
  return ["user", reason === "same_user" ? call!.user_id : null];
}
