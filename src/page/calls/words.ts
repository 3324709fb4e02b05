/** What a call or a session is like, in a word or two. */
import { formatDuration } from "../figures.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Why a call is in no sum, from its rule; the call itself has the whole reason. */
export function notCounted(rule: string): string {
  if (rule === "litellm cache_hit") return "from a cache";
  if (rule.endsWith("; seen twice")) return "seen twice";
  if (rule.endsWith("; another span of the call counts")) return "another span counts";
  return "a span around calls";
}

/** `model_unknown` -> `model unknown`. */
export function reasonWords(reason: string | null): string {
  return (reason ?? "unknown").replaceAll("_", " ");
}

/** How long something goes on, if it is hours or days: `7 h 9 min`, `3 d 2 h`. */
export function stretchWords(ms: number): string {
  if (ms < HOUR_MS) return formatDuration(ms);
  if (ms < 2 * DAY_MS) return `${Math.floor(ms / HOUR_MS)} h ${Math.floor((ms % HOUR_MS) / MINUTE_MS)} min`;
  return `${Math.floor(ms / DAY_MS)} d ${Math.floor((ms % DAY_MS) / HOUR_MS)} h`;
}
