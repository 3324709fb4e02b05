/** Stands in front of the overview until the project has its first call, and lets it through by itself. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ledger, read, useAnswer } from "../ledger.ts";
import { Skeleton } from "../parts/skeleton.tsx";
import { iso } from "../zone.ts";
import { Guide } from "./guide.tsx";

interface FirstRunProps {
  /** Asks again what stands behind it: the first call is there. */
  onCall: () => void;
  /** The overview, for a project that had calls before. */
  children: ComponentChildren;
}

const EVERY_MS = 2_000;
/** How long the overview may take to know of the call, which may as well be of another month. */
const PATIENCE_MS = 3_000;
const DAY_MS = 86_400_000;
/** No call is older. */
const BEGINNING = "2020-01-01T00:00:00Z";

export function FirstRun({ onCall, children }: FirstRunProps) {
  const [isWaiting, setWaiting] = useState(false);
  const [isOver, setOver] = useState(false);
  // Whole UTC days are read from a few rows of the rollup, and are exact over all time.
  const to = iso((Math.floor(Date.now() / DAY_MS) + 1) * DAY_MS);
  const { data, problem } = useAnswer(
    `calls until ${to}`,
    (signal) => read(ledger.GET("/v1/summary", { params: { query: { from: BEGINNING, to, tz: "UTC" } }, signal })),
    isOver ? undefined : EVERY_MS,
  );
  const [isLoading, setLoading] = useState(false);
  const calls = data?.totals.requests ?? null;
  const isThere = calls !== null && calls > 0 && !isLoading;
  useEffect(() => {
    if (calls === 0) setWaiting(true);
    if (!isThere) return undefined;
    if (!isWaiting) return setOver(true);
    onCall();
    const timer = setTimeout(() => setOver(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [calls === 0, isThere, isWaiting]);
  if (calls === null) return problem === null ? <Skeleton rows={12} label="Loading the overview" /> : children;
  if (isOver || (isThere && !isWaiting)) return children;
  return <Guide hasArrived={isThere} problem={problem} onLoading={setLoading} />;
}
