/** What came of the requests: in all, by stage, by kind of request, and by second. */
import type { Times } from "../client/load.ts";
import { createLatencies, type Histogram, type Percentiles } from "./histogram.ts";
import type { Kind } from "./traffic.ts";

/** `limited` is 429, `unavailable` 503, `failed` no answer at all. */
export const OUTCOMES = ["ok", "limited", "unavailable", "refused", "error", "failed"] as const;
export type Outcome = (typeof OUTCOMES)[number];

export function outcomeOf(status: number): Outcome {
  if (status >= 200 && status < 300) return "ok";
  if (status === 429) return "limited";
  if (status === 503) return "unavailable";
  return status >= 500 ? "error" : "refused";
}

export interface Tally {
  /** Requests that were due. */
  offered: number;
  /** Due, but the end came first. They count in `fromDue` with the time that they had waited by then. */
  unsent: number;
  outcomes: Record<Outcome, number>;
  fromDue: Histogram;
  fromSent: Histogram;
}

export interface Recorder {
  readonly total: Tally;
  readonly kinds: ReadonlyMap<Kind, Tally>;
  readonly seconds: readonly Tally[];
  /** A tally of its own from here on, beside the others. */
  startStage(): Tally;
  unsent(dueMs: number, waitedMs: number): void;
  answered(kind: Kind, outcome: Outcome, times: Times): void;
}

/** All times are ms since the run began. */
export function createRecorder(): Recorder {
  const total = createTally();
  const kinds = new Map<Kind, Tally>();
  const seconds: Tally[] = [];
  let stage = createTally();
  const secondOf = (ms: number): Tally => {
    const second = Math.max(0, Math.floor(ms / 1_000));
    while (seconds.length <= second) seconds.push(createTally());
    return seconds[second]!;
  };
  const kindOf = (kind: Kind): Tally => {
    const tally = kinds.get(kind) ?? createTally();
    kinds.set(kind, tally);
    return tally;
  };
  return {
    total,
    kinds,
    seconds,
    startStage: () => (stage = createTally()),
    unsent(dueMs, waitedMs) {
      for (const tally of [total, stage, secondOf(dueMs)]) {
        tally.offered++;
        tally.unsent++;
        tally.fromDue.add(waitedMs);
      }
    },
    answered(kind, outcome, { dueMs, sentMs, doneMs }) {
      const ofKind = kindOf(kind);
      for (const tally of [total, stage, ofKind, secondOf(dueMs)]) tally.offered++;
      for (const tally of [total, stage, ofKind, secondOf(doneMs)]) {
        tally.outcomes[outcome]++;
        tally.fromDue.add(doneMs - Math.min(dueMs, sentMs));
        tally.fromSent.add(doneMs - sentMs);
      }
    },
  };
}

function createTally(): Tally {
  const outcomes = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Tally["outcomes"];
  return { offered: 0, unsent: 0, outcomes, fromDue: createLatencies(), fromSent: createLatencies() };
}

/** A tally as the report shows it. */
export interface Figures {
  offered: number;
  unsent: number;
  outcomes: Record<Outcome, number>;
  fromDueMs: Percentiles;
  fromSentMs: Percentiles;
}

export function figures({ offered, unsent, outcomes, fromDue, fromSent }: Tally): Figures {
  return {
    offered,
    unsent,
    outcomes,
    fromDueMs: fromDue.percentiles(),
    fromSentMs: fromSent.percentiles(),
  };
}
