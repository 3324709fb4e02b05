/** From one page to the next older one. The browser's back leads to the one before, because pages are addresses. */
import { PATHS } from "../route.ts";
import { addressWith, olderPage, without } from "./question.ts";

interface PagerProps {
  of: "calls" | "sessions";
  query: URLSearchParams;
  next: string | null;
}

export function Pager({ of, query, next }: PagerProps) {
  const isFirst = !query.has("cursor");
  if (isFirst && next === null) return null;
  return (
    <nav class="calls-pager" aria-label="Pages">
      {!isFirst && <a href={addressWith(PATHS[of], without(query))}>Newest</a>}
      {next === null ? (
        <span class="muted">These are the oldest of the range</span>
      ) : (
        <a href={addressWith(PATHS[of], olderPage(query, next))} rel="next">
          Older
        </a>
      )}
    </nav>
  );
}
