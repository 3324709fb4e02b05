/** A list that has nothing, or that cannot be had: with a way on. */
import { Message, ProblemMessage } from "../parts/message.tsx";
import type { Problem } from "../problem.ts";
import { type Range, withRange } from "../range.ts";
import { PATHS } from "../route.ts";
import { addressWith, isFiltered, without, withoutFilters } from "./question.ts";

interface StateProps {
  of: "calls" | "sessions";
  query: URLSearchParams;
  range: Range;
}

export function Nothing({ of, query, range }: StateProps) {
  const path = PATHS[of];
  if (query.has("cursor")) {
    return (
      <Message kind="empty" title={`No older ${of} in this range`}>
        <a href={addressWith(path, without(query))}>Show the newest</a>.
      </Message>
    );
  }
  return (
    <Message kind="empty" title={`No ${of} in this range${isFiltered(query) ? " that the filters let through" : ""}`}>
      {isFiltered(query) && (
        <>
          <a href={addressWith(path, withoutFilters(query))}>Leave the filters out</a>
          {range.preset !== "90d" && ", or "}
        </>
      )}
      {range.preset !== "90d" && (
        <a href={addressWith(path, withRange(query, { preset: "90d" }))}>
          {isFiltered(query) ? "show" : "Show"} the last 90 days
        </a>
      )}
      {range.preset === "90d" && !isFiltered(query) && <a href="/docs">How to send calls</a>}.
    </Message>
  );
}

/** @param rows what is shown is from before. */
export function Refusal({ of, query, range, problem, retry }: StateProps & { problem: Problem | null; retry(): void }) {
  if (problem === null) return null;
  const since = problem.since === undefined ? null : Date.parse(problem.since);
  return (
    <>
      <ProblemMessage problem={problem} retry={retry} />
      {since !== null && since < range.to && (
        <p>
          <a
            href={addressWith(
              PATHS[of],
              withRange(query, { from: Math.ceil(since / 1_000) * 1_000, to: range.to, zone: range.zone }),
            )}
          >
            Show what is kept
          </a>
        </p>
      )}
      {(since !== null ? since >= range.to : problem.status === 400) && (
        <p>
          <a href={PATHS[of]}>Start anew, without filters</a>
        </p>
      )}
    </>
  );
}
