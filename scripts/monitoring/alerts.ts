/** Alerts on thresholds and on states that no objective sees. An alert with two bounds is two rules of one name. */
import type { Declared } from "./alerts/declared.ts";
import { LEDGER } from "./alerts/ledger.ts";
import { NODES } from "./alerts/nodes.ts";
import { REQUESTS } from "./alerts/requests.ts";
import { STORES } from "./alerts/stores.ts";
import type { Alert, Group, Severity } from "./rule.ts";

export function alertGroups(): Group[] {
  const groups = { requests: REQUESTS, ledger: LEDGER, stores: STORES, nodes: NODES };
  return Object.entries(groups).map(([name, declared]) => ({
    name: `llm-cost-${name}`,
    rules: declared.flatMap((one) => alertsOf(one)),
  }));
}

function alertsOf({ alert, expr, bounds, severity = "critical", for: lasts, summary, description }: Declared): Alert[] {
  const all = bounds ? (Object.entries(bounds) as [Severity, number][]) : [[severity, 0] as const];
  return all.map(([severity, bound]) => ({
    alert,
    expr: typeof expr === "string" ? expr : expr(bound),
    ...(lasts === undefined ? {} : { for: lasts }),
    labels: { severity },
    annotations: { summary, description },
  }));
}
