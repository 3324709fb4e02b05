/**
 * A check looks at one thing and gives a verdict. It only reads. It throws only if it could not look; what that means is
 * decided in run.ts. What a check says never contains a secret.
 */
import type { Subject } from "./subject.ts";

export type State = "ok" | "warning" | "failed" | "skipped";

export interface Verdict {
  state: State;
  /** What was found, in a few words. */
  found: string;
  /** What to do, as sentences. Null if there is nothing to do. */
  advice: string | null;
}

/** What a check needs. It is skipped if the subject is without it. */
export type Part = "adminKey" | "database" | "replica" | "redis";

export interface Check {
  /** `group.name`. */
  id: string;
  title: string;
  needs?: readonly Part[];
  /** What it makes use of if that is given. */
  uses?: Part;
  /** If this check fails, nothing else that needs the part can be looked at. */
  opens?: Part | "worker";
  /** Default: `CHECK_MS`. */
  limitMs?: number;
  run(subject: Subject, signal: AbortSignal): Promise<Verdict>;
}

export interface Finding extends Verdict {
  id: string;
  title: string;
}

/** How long a check may take. */
export const CHECK_MS = 5_000;

export const ok = (found: string): Verdict => ({ state: "ok", found, advice: null });
export const warning = (found: string, advice: string): Verdict => ({ state: "warning", found, advice });
export const failed = (found: string, advice: string): Verdict => ({ state: "failed", found, advice });
export const skipped = (found: string, advice: string | null): Verdict => ({ state: "skipped", found, advice });

/** `3 calls`, `1 call`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
}

/** `90 s`, `12 minutes`, `3 hours`, `5 days`. */
export function lasting(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1_000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} minutes`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} hours`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** Some names of many, as `a, b and 3 more`. */
export function some(names: readonly string[], most = 5): string {
  const more = names.length - most;
  return names.slice(0, most).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
