/** The dashboard of the business: who spends what on which model, and how much of it has no price. */
import { type Dashboard, JOB, type Row, type Variable } from "./dashboard.ts";
import { graph, stat, table } from "./declare.ts";
import { quantile, unpricedShare } from "./expressions.ts";
import { IN_DASHBOARDS, PROJECT } from "./selectors.ts";
import * as bounds from "./thresholds.ts";

const { business, window } = IN_DASHBOARDS;
const DIMENSIONS = ["application", "environment", "provider", "model"] as const;
/** Counters have the dimensions, sums of today have the project alone. */
const calls = [business, ...DIMENSIONS.map((dimension) => `${dimension}=~"$${dimension}"`)].join();

const usd = (range: string): string => `increase(llm_cost_usd_total{${calls}}[${range}])`;
const tokens = (range: string, type = ""): string => `increase(llm_tokens_total{${calls}${type}}[${range}])`;
const requests = (more = ""): string => `sum by (job) (rate(llm_requests_total{${calls}${more}}[${window}]))`;
const today = (name: string): string => `max by (job, ${PROJECT}) (${name}{${business}})`;
const perHour = (by: string): string => `3600 * sum by (${by}) (rate(llm_cost_usd_total{${calls}}[${window}]))`;

const sums: Row = {
  title: "Today",
  panels: [
    stat("Cost today", "currencyUSD", [[today("llm_cost_usd_today"), "{{project_name}}"]]),
    stat("Calls today", "short", [[today("llm_requests_today"), "{{project_name}}"]]),
    stat("Calls without a price", "percentunit", [[unpricedShare(IN_DASHBOARDS), "{{project_name}}"]], {
      description: "Their cost is unknown, and in no sum.",
      bounds: bounds.UNPRICED_SHARE,
    }),
  ],
};

const cost: Row = {
  title: "Cost an hour",
  panels: [
    graph("By project", "currencyUSD", [[perHour(PROJECT), "{{project_name}}"]], { stacked: true }),
    ...DIMENSIONS.map((label) =>
      graph(`By ${label}`, "currencyUSD", [[perHour(label), `{{${label}}}`]], { stacked: true }),
    ),
    graph(
      "The last hour against the day before",
      "none",
      [
        [
          `sum by (${PROJECT}) (${usd("1h")}) / (sum by (${PROJECT}) (increase(llm_cost_usd_total{${calls}}[1d] offset 1h)) / 24)`,
          "{{project_name}}",
        ],
      ],
      { description: "How many times the mean hour.", bounds: bounds.SPEND_TIMES },
    ),
  ],
};

const range: Row = {
  title: "In the chosen time",
  panels: [
    table("Cost by model", "currencyUSD", `topk(20, sum by (provider, model) (${usd("$__range")}))`),
    table("Cost by application", "currencyUSD", `topk(20, sum by (application, environment) (${usd("$__range")}))`),
    table(
      "USD per million tokens, by model",
      "currencyUSD",
      `1e6 * sum by (provider, model) (${usd("$__range")}) / ` +
        `sum by (provider, model) (${tokens("$__range", ',type=~"input|output"')})`,
    ),
    graph("Corrections", "currencyUSD", [
      [
        `sum by (${PROJECT}, sign) (increase(llm_cost_corrections_usd_total{${business}}[1h]))`,
        "{{project_name}} {{sign}}",
      ],
    ]),
  ],
};

const use: Row = {
  title: "Use",
  panels: [
    graph("Tokens by type", "cps", [[`sum by (type) (rate(llm_tokens_total{${calls}}[${window}]))`, "{{type}}"]]),
    graph("Input that the providers' caches answered", "percentunit", [
      [
        `sum by (model) (rate(llm_tokens_total{${calls},type="cache_read"}[${window}])) / ` +
          `sum by (model) (rate(llm_tokens_total{${calls},type="input"}[${window}]))`,
        "{{model}}",
      ],
    ]),
    graph("Calls by status", "reqps", [
      [`sum by (status) (rate(llm_requests_total{${calls}}[${window}]))`, "{{status}}"],
    ]),
    graph("Calls that failed", "percentunit", [
      [`(${requests(',status="error"')} or 0 * ${requests()}) / ${requests()}`, "{{job}}"],
    ]),
    graph("Latency of the models", "s", [
      [quantile(0.5, "llm_request_duration_seconds", calls, window), "p50"],
      [quantile(0.95, "llm_request_duration_seconds", calls, window), "p95"],
    ]),
    graph("p95 by model", "s", [
      [quantile(0.95, "llm_request_duration_seconds", calls, window, ["model"]), "{{model}}"],
    ]),
  ],
};

const variable = (name: string, label: string, of = name): Variable => ({
  name,
  label,
  metric: `llm_requests_total{${IN_DASHBOARDS.worker}}`,
  of,
});

export const MONEY: Dashboard = {
  uid: "llm-cost-money",
  title: "LLM costs: money",
  description: "Who spends what, on which model. The counters count what is new; GET /v1/summary has the exact sums.",
  variables: [
    JOB,
    variable("project", "Project", "project_name"),
    ...DIMENSIONS.map((name) => variable(name, name.charAt(0).toUpperCase() + name.slice(1))),
  ],
  rows: [sums, cost, range, use],
};
