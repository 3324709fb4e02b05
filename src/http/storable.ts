/**
 * Postgres stores no NUL and no half of a surrogate pair. Ingest decides about these item by item; at every other route
 * a parameter that has one is refused here, wherever it stands.
 */
import { malformedBody } from "../errors.ts";
import { invalid } from "../parameters.ts";

const PROBLEM = "must not contain a NUL or half a surrogate pair";
const SUSPECT = /%(?:00|ed)/i;
const NUL = /%00/;
/** Half a surrogate pair. In a query, this is read as U+FFFD, like all bytes that are not UTF-8. */
const HALF_A_PAIR = /%ed%[ab][0-9a-f]/i;

/**
 * @param pathParameter the name of the route's own, for the error.
 * @throws ApiError `invalid_parameter` if the path or the query has text that cannot be stored.
 */
export function refuseUnstorableUrl(url: string, pathParameter = "path"): void {
  if (!SUSPECT.test(url)) return;
  const [path = "", ...query] = url.split("?");
  if (NUL.test(path) || HALF_A_PAIR.test(path)) throw invalid(pathParameter, PROBLEM);
  const wrong = query
    .join("?")
    .split("&")
    .find((pair) => NUL.test(pair));
  if (wrong !== undefined) throw invalid([...new URLSearchParams(wrong).keys()].join(), PROBLEM);
}

/** @throws ApiError `invalid_body` if a JSON value has text that cannot be stored, in a member or in a name. */
export function refuseUnstorable(value: unknown, path = ""): void {
  if (typeof value === "string") {
    if (value.includes("\0") || !value.isWellFormed()) throw malformedBody(`${path || "body"}: ${PROBLEM}`);
  } else if (typeof value === "object" && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      refuseUnstorable(name, path);
      refuseUnstorable(member, path === "" ? name : `${path}.${name}`);
    }
  }
}
