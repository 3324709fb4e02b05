/** Dashboards as this folder declares them, and as Grafana reads them. */
import { DATA_SOURCE, type Panel, panelJson } from "./panel.ts";

export interface Dashboard {
  /** Grafana's id, which links keep. */
  uid: string;
  title: string;
  description: string;
  variables: Variable[];
  rows: Row[];
}

export interface Row {
  title: string;
  panels: Panel[];
}

/** A choice among the values of a label. */
export interface Variable {
  name: string;
  label: string;
  /** Of this metric, with its selector. */
  metric: string;
  /** The label; without it, the one that is named like the variable. */
  of?: string;
}

/** Grafana 10 and newer read it. */
const SCHEMA_VERSION = 39;
const GRID_COLUMNS = 24;
const PANEL = { w: 8, h: 8 };

export const JOB: Variable = { name: "job", label: "Job", metric: 'llm_cost_redis_up{job=~"llm-cost.*"}' };
export const NODE: Variable = {
  name: "node",
  label: "Node",
  metric: 'node_uname_info{job=~"node.*"}',
  of: "instance",
};

export function dashboardJson({ uid, title, description, variables, rows }: Dashboard): object {
  return {
    uid,
    title,
    description,
    tags: ["llm-cost"],
    schemaVersion: SCHEMA_VERSION,
    editable: true,
    graphTooltip: 1,
    refresh: "1m",
    time: { from: "now-6h", to: "now" },
    timezone: "",
    templating: { list: [DATA_SOURCE_CHOICE, ...variables.map((variable) => variableJson(variable))] },
    links: [{ type: "dashboards", title: "LLM costs", tags: ["llm-cost"], asDropdown: true, includeVars: true }],
    panels: laidOut(rows),
  };
}

const DATA_SOURCE_CHOICE = {
  name: "DS_PROMETHEUS",
  label: "Data source",
  type: "datasource",
  query: "prometheus",
  refresh: 1,
};

function variableJson({ name, label, metric, of = name }: Variable): object {
  const query = `label_values(${metric}, ${of})`;
  return {
    name,
    label,
    type: "query",
    datasource: DATA_SOURCE,
    definition: query,
    query: { qryType: 1, query, refId: "PrometheusVariableQueryEditor-VariableQuery" },
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    // The series without this label are among all.
    allValue: ".*",
    current: { selected: true, text: ["All"], value: ["$__all"] },
  };
}

/** Three panels beside each other, below the title of their row. */
function laidOut(rows: Row[]): object[] {
  const panels: object[] = [];
  const perLine = GRID_COLUMNS / PANEL.w;
  let y = 0;
  for (const { title, panels: ofRow } of rows) {
    const gridPos = { x: 0, y: y++, w: GRID_COLUMNS, h: 1 };
    panels.push({ id: panels.length + 1, type: "row", title, collapsed: false, gridPos, panels: [] });
    for (const [i, panel] of ofRow.entries()) {
      const at = { x: (i % perLine) * PANEL.w, y: y + Math.floor(i / perLine) * PANEL.h, ...PANEL };
      panels.push(panelJson(panel, panels.length + 1, at));
    }
    y += Math.ceil(ofRow.length / perLine) * PANEL.h;
  }
  return panels;
}
