/** What the palette offers, and which of it fits what is typed. */
import { addressOf, PATHS, type ViewName } from "../route.ts";

export interface Command {
  /** Distinguishes it from all others. */
  id: string;
  name: string;
  kind: string;
  /** An address of the page, or something that is done. */
  to: string | (() => void);
}

/** Questions that many ask. */
const PRESETS: readonly [view: ViewName, name: string, query: Readonly<Record<string, string>>][] = [
  ["explore", "Cost by model and day, last 30 days", { group_by: "model", interval: "day", range: "30d" }],
  ["explore", "Cost by application, this month", { group_by: "application", range: "month" }],
  ["explore", "Cost by user, last 7 days", { group_by: "user", range: "7d" }],
  ["why", "Why the cost of this month changed", { range: "month" }],
  ["why", "Why the cost of the last 7 days changed", { range: "7d" }],
  ["calls", "Calls of today", { range: "today" }],
  ["calls", "Calls that failed, last 24 hours", { status: "error", range: "24h" }],
  ["calls", "Calls without a price, last 30 days", { unpriced: "true", range: "30d" }],
];

/** @param titles of the views that the session may see. */
export function viewCommands(titles: Readonly<Partial<Record<ViewName, string>>>): Command[] {
  const names = Object.keys(titles) as ViewName[];
  return [
    ...names
      .filter((name) => !PATHS[name].includes(":"))
      .map((name) => ({ id: `view ${name}`, name: titles[name]!, kind: "View", to: PATHS[name] })),
    ...PRESETS.filter(([view]) => titles[view] !== undefined).map(([view, name, query]) => ({
      id: `preset ${name}`,
      name,
      kind: titles[view]!,
      to: addressOf(view, query),
    })),
  ];
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const TRACE_ID = /^[0-9a-f]{32}$/i;

/** A text without spaces may be an id. Only the ledger's own ids are certain to be of calls. */
export function idCommands(typed: string): Command[] {
  const id = typed.trim();
  if (id.length < 3 || /\s/.test(id) || id.length > 512) return [];
  const shown = id.length > 40 ? `${id.slice(0, 39)}\u2026` : id;
  const call = { id: "open call", name: `Call ${shown}`, kind: "Open", to: addressOf("call", {}, id.toLowerCase()) };
  const trace = {
    id: "open trace",
    name: `Calls of trace ${shown}`,
    kind: "Open",
    to: addressOf("calls", { trace_id: id }),
  };
  const session = { id: "open session", name: `Session ${shown}`, kind: "Open", to: addressOf("session", {}, id) };
  const own = {
    id: "open own",
    name: `Call with your own id ${shown}`,
    kind: "Open",
    to: addressOf("calls", { client_id: id }),
  };
  if (UUID.test(id)) return [call, session, trace, own];
  return TRACE_ID.test(id) ? [trace, session, own] : [session, trace, own];
}

/** Those that have every word: first those whose name begins with the first word, then those where a word does. */
export function fitting(commands: readonly Command[], typed: string): Command[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const [first = ""] = words;
  const found = commands.filter(({ name, kind }) => {
    const text = `${name} ${kind}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const rankOf = ({ name }: Command): number => {
    const text = name.toLowerCase();
    if (text.startsWith(first)) return 0;
    return text.split(/[^\p{L}\p{N}]+/u).some((word) => word.startsWith(first)) ? 1 : 2;
  };
  return found.toSorted((a, b) => rankOf(a) - rankOf(b));
}

/** An id that was pasted is meant as one: it goes before names that only contain it. */
export function offered(commands: readonly Command[], typed: string, most: number): Command[] {
  const ids = idCommands(typed);
  const isId = UUID.test(typed.trim()) || TRACE_ID.test(typed.trim());
  const named = fitting(commands, typed);
  return (isId ? [...ids, ...named] : [...named, ...ids]).slice(0, most);
}
