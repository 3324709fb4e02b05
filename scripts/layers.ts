/**
 * Who may import whom. Each room (a folder, or a file beside them) imports only from layers above its own in this list,
 * types included; rooms of one layer do not import each other. `npm run check` holds the real imports against it.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const SRC = [
  ["page"],
  ["time", "money", "errors", "wire", "digest", "keep-alive"],
  ["parameters", "ledger"],
  ["db"],
  ["redis", "admin-log"],
  ["keys"],
  ["telemetry"],
  ["config"],
  ["epoch", "keyring", "pricing", "retention", "rotation", "insight", "views"],
  ["catalogue", "rollup", "page-sessions"],
  ["write", "summary"],
  ["queue", "reprice", "explain", "traces"],
  ["coverage", "plans", "routines"],
  ["ingest", "export", "erase", "monitoring"],
  ["http", "cron"],
  ["deps", "app"],
  ["index"],
];
const SCRIPTS = [
  ["command"],
  ["flags", "progress", "layers", "packages"],
  ["page"],
  ["client", "local"],
  [
    "demo",
    "import",
    "capture",
    "doctor",
    "prices",
    "db-report",
    "db-explain",
    "monitoring",
    "statusline",
    "check-layers",
    "check-packages",
  ],
  ["bench", "dev"],
  ["screenshots"],
  ["load-test", "capacity", "profile"],
  ["slo"],
];

/** What scripts may know of the product: those that are not here speak to it over HTTP alone. */
const SCRIPTS_MAY_USE: Readonly<Record<string, readonly string[] | "all">> = {
  bench: "all",
  screenshots: ["page"],
  statusline: ["money", "page"],
  local: ["db", "routines"],
  capture: ["ingest", "ledger", "money", "pricing"],
  prices: ["catalogue", "db", "ledger", "pricing"],
  import: ["ingest", "ledger", "money", "pricing"],
  "db-report": ["db", "insight"],
  "db-explain": "all",
  page: ["app", "config", "deps", "page"],
  doctor: ["config", "db", "ledger", "pricing", "retention", "rollup", "routines"],
};
const USED_BY_ALL_SCRIPTS = ["time"];

/** The modules that a source text names: imports, exports, mocks, types. */
const NAMED = /\b(?:from|import|mock)\s*\(?\s*(?:import\()?"(\.{1,2}\/[^"?]+)/g;

/** @param folder of the checkout. Returns a sentence for each import that is not allowed. */
export function wrongImports(folder: string): string[] {
  return ["src", "scripts", "test"].flatMap((top) =>
    readdirSync(join(folder, top), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.tsx?$/.test(name) && !name.startsWith("fixtures"))
      .flatMap((name) => wrongImportsOf(join(top, name), readFileSync(join(folder, top, name), "utf8"))),
  );
}

/** @param path of the source, from the checkout's folder. */
export function wrongImportsOf(path: string, source: string): string[] {
  return [...source.matchAll(NAMED)].flatMap(([, specifier]) => {
    const imported = normalize(join(dirname(path), specifier!));
    const problem = problemOf(placeOf(path), placeOf(imported));
    return problem === null ? [] : [`${path} imports ${imported}: ${problem}`];
  });
}

interface Place {
  top: string;
  room: string;
}

function placeOf(path: string): Place {
  const [top = "", room = ""] = path.split("/");
  return { top, room: room.replace(/\.tsx?$/, "") };
}

/** What is wrong with it; null where nothing is. */
function problemOf(from: Place, to: Place): string | null {
  if (from.top === "test") return null;
  if (to.top === "test") return "only tests import tests";
  if (from.top === "src" && to.top === "scripts") return "the product does not know its scripts";
  if (from.top === "scripts" && to.top === "src") {
    const allowed = SCRIPTS_MAY_USE[from.room] ?? [];
    if (allowed === "all" || [...USED_BY_ALL_SCRIPTS, ...allowed].includes(to.room)) return null;
    return `scripts/${from.room} may use ${[...USED_BY_ALL_SCRIPTS, ...allowed].join(", ")} of src`;
  }
  // The version of the release.
  if (from.room === to.room || to.top === "package.json") return null;
  if (from.top === "src" && to.room === "page") return "nothing of the Worker knows the page";
  const layers = from.top === "src" ? SRC : SCRIPTS;
  const [own, others] = [from, to].map(({ room }) => layers.findIndex((layer) => layer.includes(room))) as [
    number,
    number,
  ];
  if (own < 0 || others < 0) return `${own < 0 ? from.room : to.room} has no layer in scripts/layers.ts`;
  return others < own ? null : `${to.room} is not above ${from.room}`;
}
