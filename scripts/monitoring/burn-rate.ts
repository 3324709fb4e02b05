/**
 * Rules of the objectives. An alert fires if the error budget burns too fast in a long window, and still does in a short
 * one: it comes soon, does not come for a blip, and ends soon after the trouble does.
 */
import { OBJECTIVES, type Objective, PERIOD_DAYS, STALE, STALE_SECONDS } from "./objectives.ts";
import type { Alert, Group, Recording, Severity } from "./rule.ts";
import { IN_RULES } from "./selectors.ts";

interface Pace {
  short: string;
  long: string;
  /** How many times as fast as a budget that lasts exactly the period. */
  burn: number;
  severity: Severity;
}

/** With 30 days: 2% of the budget in an hour, 5% in six hours, 10% in three days. */
export const PACES: readonly Pace[] = [
  { short: "5m", long: "1h", burn: 14.4, severity: "critical" },
  { short: "30m", long: "6h", burn: 6, severity: "critical" },
  { short: "6h", long: "3d", burn: 1, severity: "warning" },
];

const WINDOWS = [...new Set(PACES.flatMap(({ short, long }) => [short, long]))];

/** The recorded share that was bad. */
export const badShareIn = (window: string): string => `job_slo:bad:ratio_${window}`;
/** What is left of the period's budget: 1 is all of it; below 0 the objective is missed. */
export const BUDGET_LEFT = "job_slo:budget_left:ratio_30d";
const PERIOD = `${PERIOD_DAYS}d`;

export function objectiveGroups(objectives: readonly Objective[] = OBJECTIVES): Group[] {
  const stale: Recording = {
    record: STALE,
    expr: `max by (job) (llm_cost_rollup_lag_seconds{${IN_RULES.worker}}) > bool ${STALE_SECONDS}`,
  };
  return [
    { name: "llm-cost-slo-inputs", rules: [stale] },
    ...objectives.map((objective) => ({
      name: `llm-cost-slo-${objective.name.replaceAll("_", "-")}`,
      rules: [...recordings(objective), ...PACES.map((pace) => alert(objective, pace))],
    })),
  ];
}

function recordings({ name, target, badShare }: Objective): Recording[] {
  const labels = { slo: name };
  return [
    ...WINDOWS.map((window) => ({ record: badShareIn(window), expr: badShare(window), labels })),
    { record: BUDGET_LEFT, expr: `1 - (${badShare(PERIOD)}) / ${budgetOf(target)}`, labels },
  ];
}

function alert({ name, title, target }: Objective, { short, long, burn, severity }: Pace): Alert {
  const most = Number((burn * budgetOf(target)).toPrecision(6));
  const over = (window: string): string => `${badShareIn(window)}{slo="${name}"} > ${most}`;
  return {
    alert: "LlmCostBudgetBurns",
    expr: `${over(long)} and ${over(short)}`,
    labels: { severity, slo: name, window: long },
    annotations: {
      summary: `The error budget of ${name} burns ${burn} times too fast`,
      description:
        `${title}: the objective is ${percent(target)}. ` +
        `In the last ${long} {{ $value | humanizePercentage }} were bad at {{ $labels.job }}.`,
    },
  };
}

/** Without the error of 1 - 0.999. */
export function budgetOf(target: number): number {
  return Number((1 - target).toPrecision(6));
}

const percent = (share: number): string => `${Number((share * 100).toPrecision(6))}%`;
