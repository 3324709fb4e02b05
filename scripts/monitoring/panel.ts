/** Panels as this folder declares them, and as Grafana reads them. */
import type { Bounds } from "./thresholds.ts";

export interface Panel {
  type: "timeseries" | "stat" | "table";
  title: string;
  description?: string;
  unit: Unit;
  queries: Query[];
  /** Lines and colours of a warning and of what is critical. */
  bounds?: Bounds;
  /** Series lie on each other and add up. */
  stacked?: boolean;
}

/** What is read, and the name of each series in the legend. */
export type Query = readonly [expr: string, legend: string];

/** Grafana's ids of units. */
export type Unit =
  | "s"
  | "reqps"
  | "cps"
  | "ops"
  | "short"
  | "percentunit"
  | "decbytes"
  | "bytes"
  | "Bps"
  | "currencyUSD"
  | "none";

export interface GridPosition {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** A data source that the reader chooses, so that the file can be imported anywhere. */
export const DATA_SOURCE = { type: "prometheus", uid: "${DS_PROMETHEUS}" };

export function panelJson(panel: Panel, id: number, gridPos: GridPosition): object {
  const { type, title, description, queries } = panel;
  return {
    id,
    type,
    title,
    ...(description === undefined ? {} : { description }),
    datasource: DATA_SOURCE,
    gridPos,
    fieldConfig: { defaults: defaultsOf(panel), overrides: [] },
    options: OPTIONS[type],
    ...(type === "table" ? { transformations: [{ id: "merge", options: {} }] } : {}),
    targets: queries.map(([expr, legendFormat], i) => ({
      refId: String.fromCodePoint(65 + i),
      datasource: DATA_SOURCE,
      editorMode: "code",
      expr,
      legendFormat,
      instant: type !== "timeseries",
      range: type === "timeseries",
      ...(type === "table" ? { format: "table" } : {}),
    })),
  };
}

function defaultsOf({ type, unit, bounds, stacked = false }: Panel): object {
  const custom = {
    lineWidth: 1,
    fillOpacity: stacked ? 25 : 5,
    showPoints: "never",
    stacking: { mode: stacked ? "normal" : "none" },
    thresholdsStyle: { mode: bounds === undefined ? "off" : "line" },
  };
  return {
    unit,
    thresholds: { mode: "absolute", steps: stepsOf(bounds) },
    color: { mode: type === "timeseries" || bounds === undefined ? "palette-classic" : "thresholds" },
    ...(type === "timeseries" ? { custom } : {}),
  };
}

/** If less is worse, the critical bound is the lower one. */
function stepsOf(bounds: Bounds | undefined): { color: string; value: number | null }[] {
  if (bounds === undefined) return [{ color: "green", value: null }];
  const { warning, critical } = bounds;
  return critical > warning
    ? [
        { color: "green", value: null },
        { color: "orange", value: warning },
        { color: "red", value: critical },
      ]
    : [
        { color: "red", value: null },
        { color: "orange", value: critical },
        { color: "green", value: warning },
      ];
}

const OPTIONS: Record<Panel["type"], object> = {
  timeseries: {
    legend: { displayMode: "list", placement: "bottom", showLegend: true },
    tooltip: { mode: "multi", sort: "desc" },
  },
  stat: {
    colorMode: "value",
    graphMode: "none",
    justifyMode: "auto",
    textMode: "auto",
    reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false },
  },
  table: { showHeader: true, cellHeight: "sm" },
};
