/** Whether the ledger keeps up, agrees with itself and knows its prices; and what is spent. */
import { unpricedShare } from "../expressions.ts";
import { SPENT_HOUR, SPENT_HOUR_BEFORE } from "../recordings.ts";
import { IN_RULES } from "../selectors.ts";
import * as bounds from "../thresholds.ts";
import { type Declared, gauge, increase, over, worker } from "./declared.ts";

export const LEDGER: Declared[] = [
  {
    alert: "LlmCostRollupLags",
    expr: over(gauge("llm_cost_rollup_lag_seconds")),
    bounds: bounds.ROLLUP_LAG_SECONDS,
    for: "5m",
    summary: "Rollups are not merged",
    description:
      "The oldest partial row of {{ $labels.job }} waits for {{ $value | humanizeDuration }}. Sums stay exact.",
  },
  {
    alert: "LlmCostCronFails",
    expr: `${increase("llm_cost_cron_failures_total", "15m", ", stage")} > 0`,
    severity: "warning",
    for: "10m",
    summary: "Cron fails",
    description:
      "The stage {{ $labels.stage }} of {{ $labels.job }} failed {{ $value | humanize }} times in 15 minutes.",
  },
  {
    alert: "LlmCostCronStopped",
    // A run succeeds also if nothing was due.
    expr: `time() - max by (job) (llm_cost_cron_last_success_timestamp_seconds{${worker},stage="run"}) > 900`,
    for: "5m",
    summary: "Cron does not run, or each run fails",
    description: "The last good run of {{ $labels.job }} was {{ $value | humanizeDuration }} ago.",
  },
  {
    alert: "LlmCostAuditDiffers",
    expr: `abs(${gauge("llm_cost_audit_difference_usd")}) > 0 or ${gauge("llm_cost_audit_different_days")} > 0`,
    summary: "Rollups differ from the calls",
    description: "{{ $labels.job }}: GET /v1/audit names the days, and POST /v1/repair puts them right.",
  },
  {
    alert: "LlmCostUnpriced",
    expr: over(unpricedShare(IN_RULES)),
    bounds: bounds.UNPRICED_SHARE,
    for: "15m",
    summary: "Calls have no price",
    description:
      "{{ $value | humanizePercentage }} of today's calls of {{ $labels.project_name }}: GET /v1/prices/unpriced lists the models.",
  },
  {
    alert: "LlmCostSpendSpike",
    expr: (bound) =>
      `${SPENT_HOUR} > ${bound} * ${SPENT_HOUR_BEFORE} and ${SPENT_HOUR} > ${bounds.SPEND_LEAST_USD} ` +
      // On its first day a project has nothing to compare with.
      `and on (job, project) sum by (job, project) (llm_cost_usd_total{${worker}} offset 1d)`,
    bounds: bounds.SPEND_TIMES,
    summary: "{{ $labels.project_name }} spends far more than the day before",
    description: "{{ $value | humanize }} USD in the last hour: GET /v1/explain tells why.",
  },
  {
    alert: "LlmCostCatalogueStale",
    expr: `${gauge("llm_cost_catalogue_good_check_age_seconds")} > 86400`,
    severity: "warning",
    for: "1h",
    summary: "Prices are not renewed",
    description: "{{ $labels.job }} has had no good price catalogue for {{ $value | humanizeDuration }}.",
  },
  {
    alert: "LlmCostCatalogueRefused",
    expr: `${gauge("llm_cost_catalogue_refused_info", ", reason")} > 0`,
    severity: "warning",
    for: "1h",
    summary: "A price catalogue is refused",
    description: "{{ $labels.job }}: {{ $labels.reason }}. npm run prices -- diff shows what it would change.",
  },
  {
    alert: "LlmCostUnknownUsage",
    expr: `${increase("llm_cost_unknown_usage_members_total", "1h", ", provider, member")} > 0`,
    severity: "warning",
    summary: "A usage object has a member that no rule reads",
    description: "{{ $labels.provider }} sends {{ $labels.member }} to {{ $labels.job }}. It may be billed.",
  },
];
