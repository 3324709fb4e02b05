/** States in words: a problem, something to know, nothing there. Each says what to do next. */
import type { ComponentChildren } from "preact";
import { isPassing, type Problem } from "../problem.ts";

const MARKS = { problem: "!", warning: "!", note: "i", empty: "\u2205" } as const;

interface MessageProps {
  kind: keyof typeof MARKS;
  title: string;
  children?: ComponentChildren;
}

export function Message({ kind, title, children }: MessageProps) {
  return (
    <section class={`message ${kind}`} role={kind === "problem" ? "alert" : undefined}>
      <span class="mark" aria-hidden="true">
        {MARKS[kind]}
      </span>
      <div>
        <h2>{title}</h2>
        <p>{children}</p>
      </div>
    </section>
  );
}

/** A question that failed. What was there before stays below it; if it is asked again by itself, the shell tells it. */
export function ProblemMessage({ problem, retry }: { problem: Problem | null; retry: () => void }) {
  if (problem === null || problem.isTold) return null;
  return (
    <Message kind={isPassing(problem) ? "warning" : "problem"} title={problem.sentence}>
      <button type="button" onClick={retry}>
        Try again
      </button>{" "}
      {problem.requestId !== undefined && <small>Request {problem.requestId}</small>}
    </Message>
  );
}
