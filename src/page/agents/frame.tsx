/** What the views of agents share: which one it is, its range, and what is shown while it has nothing to show. */
import type { ComponentChildren } from "preact";
import "../calls/calls.css";
import "./agents.css";
import { addressWith, without, withOne } from "../calls/question.ts";
import type { Loaded } from "../ledger.ts";
import { AsOf } from "../parts/as-of.tsx";
import { Message, ProblemMessage } from "../parts/message.tsx";
import { RangeControl } from "../parts/range-control.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { type Range, withoutWrong, withRange } from "../range.ts";
import { PATHS } from "../route.ts";
import { VIEWS } from "../views.ts";

const ALL = ["coverage", "doubles", "plans"] as const;

type Of = (typeof ALL)[number];

interface FrameProps<T> {
  of: Of;
  query: URLSearchParams;
  range: Range;
  answer: Loaded<T & { at: string }>;
  /** Why there is nothing to show; null if there is something. */
  nothing: (data: T) => string | null;
  /** How to get something, if it is not by a longer range. */
  way?: string;
  /** What it is about. */
  about: string;
  /** What else of it can be chosen. */
  choice?: ComponentChildren;
  children: (data: T) => ComponentChildren;
}

export function Frame<T>({ of, query, range, answer, nothing, way, about, choice, children }: FrameProps<T>) {
  const { data, problem, isLoading, isStale, held, retry } = answer;
  const empty = data && nothing(data);
  return (
    <>
      <div class="title">
        <h1>{VIEWS[of]!.title}</h1>
        <AsOf at={data?.at} zone={range.zone} isStale={isStale} held={held} />
      </div>
      <div class="calls-bar">
        <nav class="calls-lists" aria-label="Agents">
          {ALL.map((name) => (
            <a key={name} href={PATHS[name]} aria-current={name === of ? "page" : undefined}>
              {VIEWS[name]!.title}
            </a>
          ))}
        </nav>
        <RangeControl query={query} range={range} />
      </div>
      <p class="muted">{about}</p>
      {choice}
      {range.wrong !== null && (
        <Message kind="warning" title={range.wrong}>
          <a href={addressWith(PATHS[of], withoutWrong(query, Date.now()))}>Leave that out</a>.
        </Message>
      )}
      <ProblemMessage problem={problem} retry={retry} />
      {problem?.status === 400 && (
        <p>
          <a href={PATHS[of]}>Start anew</a>
        </p>
      )}
      {data === null ? (
        problem === null && <Skeleton rows={12} label="Loading" />
      ) : empty !== null ? (
        <Message kind="empty" title={empty}>
          {way ??
            (range.preset === "90d" ? (
              <a href="/docs">How agents send what they use</a>
            ) : (
              <a href={addressWith(PATHS[of], withRange(query, { preset: "90d" }))}>Show the last 90 days</a>
            ))}
        </Message>
      ) : (
        <div aria-busy={isLoading}>{children(data)}</div>
      )}
    </>
  );
}

/** Pages are addresses, so the browser's back leads to the one before. */
export function Pages({
  of,
  query,
  next,
  names,
}: {
  of: Of;
  query: URLSearchParams;
  next: string | null;
  names: string[];
}) {
  return (
    <nav class="calls-pager" aria-label="Pages">
      {query.has("cursor") && <a href={addressWith(PATHS[of], without(query))}>{names[0]}</a>}
      {next !== null && <a href={addressWith(PATHS[of], withOne(query, "cursor", next))}>{names[1]}</a>}
    </nav>
  );
}
