/** The queries of the committed dashboards and rules, and the names in them. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { SHIPPED } from "./prometheus.ts";

interface PanelJson {
  id: number;
  type: string;
  title: string;
  gridPos: object;
  targets?: { expr: string }[];
}

export interface DashboardJson {
  title: string;
  panels: PanelJson[];
  templating: { list: { name: string; type: string; definition?: string }[] };
}

export interface RuleYaml {
  record?: string;
  alert?: string;
  expr: string;
  labels?: Record<string, string>;
}

export const DASHBOARDS: readonly DashboardJson[] = globSync("dashboards/*.json", { cwd: SHIPPED }).map(
  (file) => JSON.parse(readFileSync(join(SHIPPED, file), "utf8")) as DashboardJson,
);

export const RULES: readonly RuleYaml[] = globSync("rules/*.yml", { cwd: SHIPPED }).flatMap((file) => {
  const { groups } = parse(readFileSync(join(SHIPPED, file), "utf8")) as { groups: { rules: RuleYaml[] }[] };
  return groups.flatMap(({ rules }) => rules);
});

/** Each panel's queries, with everything chosen. */
export const PANEL_QUERIES: readonly { where: string; expr: string }[] = DASHBOARDS.flatMap(({ title, panels }) =>
  panels.flatMap((panel) =>
    (panel.targets ?? []).map(({ expr }) => ({ where: `${title}, ${panel.title}`, expr: withAllChosen(expr) })),
  ),
);

function withAllChosen(expr: string): string {
  return expr.replaceAll("$__rate_interval", "1m").replaceAll("$__range", "1h").replaceAll(/\$\w+/g, ".*");
}

const NO_NAMES = new Set(
  "abs and avg avg_over_time absent by bool count deriv histogram_quantile increase inf max min offset on or rate sum time topk unless".split(
    " ",
  ),
);

/** The names of series that an expression reads. */
export function namesIn(expr: string): string[] {
  const bare = expr
    .replaceAll(/"[^"]*"/g, "")
    .replaceAll(/\{[^}]*\}/g, "")
    .replaceAll(/\[[^\]]*\]/g, "")
    .replaceAll(/\b(?:by|on)\s*\([^)]*\)/g, "")
    .replaceAll(/offset \w+/g, "");
  return [...new Set(bare.match(/(?<![\w.])[a-zA-Z_:][\w:]*/g))].filter((name) => !NO_NAMES.has(name));
}
