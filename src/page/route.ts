/** The page's addresses. An address holds the whole state of a view, so it can be shared, kept and gone back to. */
export type ViewName =
  | "overview"
  | "explore"
  | "why"
  | "calls"
  | "call"
  | "sessions"
  | "session"
  | "coverage"
  | "doubles"
  | "plans"
  | "prices"
  | "settings";

export interface Route {
  view: ViewName;
  /** Of `/calls/{id}` and `/sessions/{id}`. */
  id?: string;
}

export const PATHS: Readonly<Record<ViewName, string>> = {
  overview: "/",
  explore: "/explore",
  why: "/why",
  calls: "/calls",
  call: "/calls/:id",
  sessions: "/sessions",
  session: "/sessions/:id",
  coverage: "/coverage",
  doubles: "/doubles",
  plans: "/plans",
  prices: "/prices",
  settings: "/settings",
};

const PATTERNS = Object.entries(PATHS).map(
  ([view, path]) => [view as ViewName, new RegExp(`^${path.replace(":id", "([^/]+)")}$`)] as const,
);

/** The view at a path; null if there is none. */
export function routeOf(pathname: string): Route | null {
  const path = pathname.replace(/(.)\/+$/, "$1");
  for (const [view, pattern] of PATTERNS) {
    const match = pattern.exec(path);
    if (match === null) continue;
    const id = match[1] === undefined ? undefined : decoded(match[1]);
    if (id === null) return null;
    return id === undefined ? { view } : { view, id };
  }
  return null;
}

/**
 * A browser takes a path that ends in `.` or `..` for a folder, so such an id is the parameter `session_id` instead.
 *
 * @param query members without a value are left out, and lists are repeated.
 */
export function addressOf(view: ViewName, query: Readonly<Record<string, Value>> = {}, id = ""): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== undefined && one !== "") params.append(name, one);
  }
  const isFolder = id === "." || id === "..";
  if (isFolder) params.set("session_id", id);
  const text = params.toString();
  return PATHS[view].replace(":id", () => (isFolder ? "-" : encodeURIComponent(id))) + (text && `?${text}`);
}

type Value = string | undefined | readonly string[];

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
