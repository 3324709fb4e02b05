/** Saved views as this version can open them. One of another version opens too, and what has no effect is said. */
import { isFilterField } from "./filters.ts";
import { addressOf, routeOf, type ViewName } from "./route.ts";

export const MAX_NAME = 100;
export const MAX_PATH = 4_000;

/** The parameters that some view reads, beside filters. A view says itself which of these it does not know. */
const PARAMETERS = new Set(
  (
    "range from to tz cursor limit metric group_by interval order sort chart cumulative compare compare_from " +
    "compare_to include cause in_application in_model status unpriced billable session_id trace_id client_id " +
    "live part section verdict price replace provider model service_tier starts_at"
  ).split(" "),
);

/** What is kept of a view that is gone: the range and the filters. */
const SHARED = new Set(["range", "from", "to", "tz"]);

export interface Openable {
  href: string;
  /** What is left out. The saved view itself stays as it is. Null: nothing. */
  leftOut: string | null;
}

/** @param isThere is there such a view in this version? */
export function openable(path: string, isThere: (view: ViewName) => boolean): Openable {
  const url = new URL(path, "http://page.invalid");
  const route = routeOf(url.pathname);
  const isKnown = (name: string): boolean => PARAMETERS.has(name) || isFilterField(name);
  if (route === null || !isThere(route.view)) {
    const shared = [...url.searchParams].filter(([name]) => SHARED.has(name) || isFilterField(name));
    const query = new URLSearchParams(shared).toString();
    const whole = path.length > 300 ? `${path.slice(0, 300)} …` : path;
    return {
      href: addressOf("explore") + (query && `?${query}`),
      leftOut: `This version has no view at ${url.pathname}, so its range and filters open here. It was saved as ${whole}`,
    };
  }
  const unknown = [...new Set(url.searchParams.keys())].filter((name) => !isKnown(name));
  if (unknown.length === 0) return { href: url.pathname + url.search, leftOut: null };
  const query = new URLSearchParams([...url.searchParams].filter(([name]) => isKnown(name))).toString();
  const names = unknown.map((name) => `${name}=${url.searchParams.getAll(name).join(",")}`).join(", ");
  return {
    href: url.pathname + (query && `?${query}`),
    leftOut: `This version does not know a part of it, which is left out: ${names}`,
  };
}

/** Why the ledger would refuse it; null if it takes it. */
export function wrongView(name: string, path: string): string | null {
  if (name === "") return "Give the view a name.";
  const length = [...name].length;
  if (length > MAX_NAME) return `A name has at most ${MAX_NAME} characters; this one has ${length}.`;
  if (path.length <= MAX_PATH) return null;
  return `The address is too long to be saved: it has ${path.length} characters of at most ${MAX_PATH}. Remove some filters.`;
}
