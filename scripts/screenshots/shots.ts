/** Which pictures there are. Each is of one view, and shows the top of it. */
import { PATHS, type ViewName } from "../../src/page/route.ts";

export interface Shot {
  /** Of the file. */
  name: string;
  view: ViewName;
  query?: string;
  theme: "light" | "dark";
}

export const SHOTS: readonly Shot[] = [
  { name: "overview-light", view: "overview", theme: "light" },
  { name: "overview-dark", view: "overview", theme: "dark" },
  { name: "explore-light", view: "explore", query: "group_by=model&range=30d", theme: "light" },
  { name: "explore-dark", view: "explore", query: "group_by=application&range=30d", theme: "dark" },
  { name: "why-light", view: "why", query: "range=7d", theme: "light" },
  { name: "calls-light", view: "calls", theme: "light" },
  { name: "receipt-light", view: "call", theme: "light" },
  { name: "receipt-dark", view: "call", theme: "dark" },
  { name: "prices-light", view: "prices", theme: "light" },
];

/** @param id of a call or a session. */
export function addressOfShot({ view, query }: Shot, id: string): string {
  return PATHS[view].replace(":id", id) + (query === undefined ? "" : `?${query}`);
}
