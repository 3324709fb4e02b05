/** What the values of a tag cost in a session. The ledger adds them up; what is left of the session has no value. */
import { picoOf, usdOf } from "../money.ts";
import type { components } from "../api.d.ts";

type Session = components["schemas"]["Session"];

export interface Part {
  /** Null: the calls of none of the values. */
  value: string | null;
  requests: number;
  /** Null if none of its calls has a price. */
  costUsd: string | null;
}

/** The tags that agents set, as people look for them, with their names. */
const NAMED: readonly (readonly [tag: string, name: string])[] = [
  ["agent", "agent"],
  ["subagent", "sub-agent"],
  ["skill", "skill"],
  ["mcp_server", "MCP server"],
  ["mcp_tool", "MCP tool"],
  ["query_source", "query source"],
  ["repository", "repository"],
  ["branch", "branch"],
  ["pull_request", "pull request"],
  ["team", "team"],
];
/** Where one value stands beside calls without one. */
const PARTIAL = new Set(["subagent", "skill", "mcp_server", "mcp_tool"]);
/** What a list of sessions has room for. */
const LISTED = new Set(["agent", "repository", "branch", "pull_request", "team"]);

/** `mcp_server` -> `MCP server`. Other tags are named as they were sent. */
export function tagName(tag: string): string {
  return NAMED.find(([one]) => one === tag)?.[1] ?? tag;
}

/** The same at the beginning of a line. */
export function tagTitle(tag: string): string {
  const name = tagName(tag);
  return NAMED.some(([one]) => one === tag) ? name.charAt(0).toUpperCase() + name.slice(1) : name;
}

/** The tags of a session in a fixed order, those that agents set first. */
function ordered({ tags }: Pick<Session, "tags">): [tag: string, values: string[]][] {
  const names = new Set([...NAMED.map(([tag]) => tag), ...Object.keys(tags)]);
  return [...names].flatMap((tag): [string, string[]][] => (Object.hasOwn(tags, tag) ? [[tag, tags[tag]!]] : []));
}

/** Who worked on what. */
export function listedTags(session: Pick<Session, "tags">): [tag: string, values: string[]][] {
  return ordered(session).filter(([tag]) => LISTED.has(tag));
}

/** The tags that tell calls of the session apart. */
export function dividingTags(session: Pick<Session, "tags">): string[] {
  return ordered(session).flatMap(([tag, values]) => (values.length > 1 || PARTIAL.has(tag) ? [tag] : []));
}

/** The values with the largest costs first, and then the rest of the session. */
export function partsOf(
  whole: Pick<Session, "requests" | "cost_usd" | "unpriced_requests">,
  found: readonly (readonly [value: string, of: Pick<Session, "requests" | "cost_usd" | "unpriced_requests">])[],
): Part[] {
  const parts = found.map(([value, { requests, cost_usd: costUsd }]): Part => ({ value, requests, costUsd }));
  parts.sort((a, b) => {
    const off = picoOf(b.costUsd ?? "0") - picoOf(a.costUsd ?? "0");
    return off > 0n ? 1 : off < 0n ? -1 : 0;
  });
  const sum = (of: (one: (typeof found)[number][1]) => number): number =>
    found.reduce((total, [, one]) => total + of(one), 0);
  const left = whole.requests - sum(({ requests }) => requests);
  if (left <= 0) return parts;
  const unpriced = whole.unpriced_requests - sum(({ unpriced_requests: count }) => count);
  const cost = found.reduce((rest, [, { cost_usd: usd }]) => rest - picoOf(usd ?? "0"), picoOf(whole.cost_usd ?? "0"));
  return [...parts, { value: null, requests: left, costUsd: unpriced >= left ? null : usdOf(cost) }];
}
