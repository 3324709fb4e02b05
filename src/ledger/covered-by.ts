/**
 * What pays for a call: the account of an API, call by call, or a plan with a price of its own, such as a seat. The
 * cost of a call is the same in both cases: what the API would have billed.
 */

/** `unknown` if the emitter may use either and does not say which. Emitters that call APIs only are `api`. */
export const COVERED_BY = ["api", "plan", "unknown"] as const;
export type CoveredBy = (typeof COVERED_BY)[number];

/** The value of calls that have none stored. */
export const NOT_STORED: CoveredBy = "api";

/** The value of calls that lack one, which another report of the call may have. */
export const UNKNOWN: CoveredBy = "unknown";

/** What is stored of it with a call. */
export function storedCover(coveredBy: CoveredBy): CoveredBy | null {
  return coveredBy === NOT_STORED ? null : coveredBy;
}
