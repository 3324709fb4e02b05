/** Short forms for panels and queries of dashboards. */
import type { Panel, Query } from "./panel.ts";
import { IN_DASHBOARDS } from "./selectors.ts";

const { worker, window } = IN_DASHBOARDS;
/** @param by labels beside the job, each with a series of its own. */
export const rate = (counter: string, by: string, more = ""): Query => [
  `sum by (job, ${by}) (rate(${counter}{${worker}${more}}[${window}]))`,
  by
    .split(", ")
    .map((label) => `{{${label}}}`)
    .join(" "),
];
export const gauge = (name: string, legend = "{{job}}"): Query => [`max by (job) (${name}{${worker}})`, legend];
export const graph = (title: string, unit: Panel["unit"], queries: Query[], more: Partial<Panel> = {}): Panel => ({
  type: "timeseries",
  title,
  unit,
  queries,
  ...more,
});
export const stat = (title: string, unit: Panel["unit"], queries: Query[], more: Partial<Panel> = {}): Panel => ({
  ...graph(title, unit, queries, more),
  type: "stat",
});
export const quantiles = (of: (q: number, selection: typeof IN_DASHBOARDS) => string): Query[] =>
  ([0.5, 0.95, 0.99] as const).map((q) => [of(q, IN_DASHBOARDS), `p${q * 100}`]);
export const table = (title: string, unit: Panel["unit"], expr: string): Panel => ({
  type: "table",
  title,
  unit,
  queries: [[expr, ""]],
});
