/** The committed files are what the sources generate, and Prometheus' own tool accepts them. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { monitoringFiles } from "../../scripts/monitoring/files.ts";
import { missing, promtool, skipped } from "./binaries.ts";
import { SHIPPED } from "./prometheus.ts";
import { DASHBOARDS, RULES } from "./queries.ts";

const UNIT_TESTS = globSync("rules/*.yml", { cwd: import.meta.dirname }).map((file) => join(import.meta.dirname, file));

it("finds all programs, if REQUIRE_PROMETHEUS is 1", () => {
  if (process.env["REQUIRE_PROMETHEUS"] === "1") expect(missing).toEqual([]);
});

it.each([...monitoringFiles()])("%s is what npm run monitoring writes", (file, text) => {
  expect(readFileSync(join(SHIPPED, file), "utf8")).toBe(text);
});

it("has no file that nothing generates", () => {
  const files = globSync("{dashboards,rules}/**/*.*", { cwd: SHIPPED });
  expect(files.toSorted()).toEqual([...monitoringFiles().keys()].toSorted());
});

describe.skipIf(skipped)("promtool", () => {
  it("accepts the rules", () => {
    const files = globSync("rules/*.yml", { cwd: SHIPPED }).map((file) => join(SHIPPED, file));
    expect(promtool(["check", "rules", ...files])).toMatchObject({ code: 0 });
  });

  it("accepts the example of a configuration", () => {
    expect(promtool(["check", "config", "--syntax-only", join(SHIPPED, "prometheus.yml")])).toMatchObject({ code: 0 });
  });

  it.each(UNIT_TESTS)("%s: alerts fire when they should, and only then", (file) => {
    const { code, output } = promtool(["test", "rules", file]);
    expect(output).toContain("SUCCESS");
    expect(code).toBe(0);
  });
});

it("has a unit test in which each alert fires, at each severity and for each objective", () => {
  const fires = UNIT_TESTS.flatMap((file) => {
    const { tests } = parse(readFileSync(file, "utf8")) as {
      tests: { promql_expr_test: { expr: string; exp_samples: { labels: string }[] }[] }[];
    };
    return tests.flatMap(({ promql_expr_test }) =>
      promql_expr_test.flatMap(({ expr, exp_samples }) => exp_samples.map(({ labels }) => expr + labels)),
    );
  });
  const silent = RULES.filter(({ alert }) => alert !== undefined).filter(({ alert, labels }) => {
    const wanted = [`alertname="${alert}"`, ...Object.entries(labels!).map(([name, value]) => `${name}="${value}"`)];
    return !fires.some((text) => wanted.every((label) => text.includes(label)));
  });
  expect(silent).toEqual([]);
});

describe.each(DASHBOARDS)("$title", (dashboard) => {
  it("can be imported: its data source is chosen, panels have ids and places of their own", () => {
    const { panels, templating } = dashboard;
    expect(templating.list[0]).toMatchObject({ name: "DS_PROMETHEUS", type: "datasource" });
    const ids = panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const places = panels.map(({ gridPos }) => JSON.stringify(gridPos));
    expect(new Set(places).size).toBe(places.length);
    const sources = JSON.stringify(dashboard).match(/"uid":"[^"]*"/g)!;
    expect(new Set(sources.slice(1))).toEqual(new Set(['"uid":"${DS_PROMETHEUS}"']));
  });

  it("uses only variables that it declares", () => {
    const declared = new Set(["__rate_interval", "__range", ...dashboard.templating.list.map(({ name }) => name)]);
    const used = [...JSON.stringify(dashboard.panels).matchAll(/\$\{?(\w+)/g)].map(([, name]) => name!);
    expect(used.filter((name) => !declared.has(name))).toEqual([]);
  });
});
