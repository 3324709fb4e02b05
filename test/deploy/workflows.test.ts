/** The workflows of GitHub Actions: their order, what they may do, and what they run. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

interface Step {
  uses?: string;
  run?: string;
  with?: Record<string, unknown>;
  env?: Record<string, string>;
}
interface Job {
  uses?: string;
  needs?: string;
  environment?: string;
  concurrency?: { group: string; "cancel-in-progress": boolean };
  permissions?: unknown;
  env?: Record<string, string>;
  "timeout-minutes"?: number;
  steps?: Step[];
}
interface Workflow {
  on: Record<string, unknown>;
  permissions: unknown;
  env?: unknown;
  jobs: Record<string, Job>;
}

const FOLDER = ".github/workflows";
const FILES = readdirSync(FOLDER);
const textOf = (file: string): string => readFileSync(`${FOLDER}/${file}`, "utf8");
const workflow = (file: string): Workflow => parse(textOf(file)) as Workflow;
const stepsOf = (file: string): Step[] => Object.values(workflow(file).jobs).flatMap(({ steps }) => steps ?? []);
const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };

describe.each(FILES)("%s", (file) => {
  it("may only read the repository, and no job may do more", () => {
    expect(workflow(file).permissions).toEqual({ contents: "read" });
    expect(Object.values(workflow(file).jobs).map(({ permissions }) => permissions)).not.toContainEqual(
      expect.anything(),
    );
    expect(workflow(file).on).not.toHaveProperty("pull_request_target");
  });

  it("names actions by their commit, with the version beside it", () => {
    const used = textOf(file)
      .split("\n")
      .filter((line) => /^\s*-? ?uses:/.test(line) && !/uses: \.\//.test(line));
    expect(used.filter((line) => !/uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([]);
  });

  it("leaves no token in the checkout, and takes no cache that another branch could have filled", () => {
    const settings = stepsOf(file).flatMap(({ uses = "", with: settings }) =>
      /\/(checkout|setup-node)@/.test(uses) ? [settings] : [],
    );
    expect(settings.length).toBeGreaterThan(0);
    for (const [i, setting] of settings.entries()) {
      expect(setting).toMatchObject(
        i % 2 === 0 ? { "persist-credentials": false } : { "package-manager-cache": false },
      );
    }
  });

  it("runs scripts of package.json, and ends by itself", () => {
    const named = stepsOf(file).flatMap(({ run = "" }) => [...run.matchAll(/npm (?:run )?([\w-]+)/g)]);
    expect(named.map(([, name]) => name!).filter((name) => name !== "ci" && !(name in scripts))).toEqual([]);
    const withSteps = Object.values(workflow(file).jobs).filter(({ steps }) => steps);
    expect(withSteps.map((job) => job["timeout-minutes"])).not.toContain(undefined);
  });

  it("gives a secret to one step alone, by its environment", () => {
    const { jobs, env } = workflow(file);
    const shared = [env, ...Object.values(jobs).map((job) => job.env)];
    expect(JSON.stringify(shared)).not.toContain("secrets.");
    for (const { run = "", with: settings = {}, env: own = {} } of stepsOf(file)) {
      // What a step runs has no expressions: they would be put into the shell's text as they are.
      expect(run + JSON.stringify(settings)).not.toContain("${{");
      if (/npm ci|npm test/.test(run)) expect(own).toEqual({});
    }
  });
});

describe("ci.yml", () => {
  it("checks, tests and tries each deployment", () => {
    expect(stepsOf("ci.yml").flatMap(({ run }) => run ?? [])).toEqual([
      "npm ci",
      "npm run check",
      "npm test",
      "npm run dry-run",
    ]);
  });
});

describe("deploy.yml", () => {
  const { on, jobs } = workflow("deploy.yml");
  const deploy = jobs["deploy"]!;

  it("verifies first, with what pull requests are verified by", () => {
    expect(jobs["verify"]!.uses).toBe("./.github/workflows/ci.yml");
    expect(workflow("ci.yml").on).toHaveProperty("workflow_call");
    expect(deploy.needs).toBe("verify");
    expect(Object.keys(jobs)).toEqual(["verify", "deploy"]);
  });

  it("migrates, then deploys, then asks whether it is ready", () => {
    const runs = deploy.steps!.flatMap(({ run }) => run ?? []).map((run) => run.split(" ").slice(0, 3).join(" "));
    expect(runs).toEqual(["npm ci", "npm run migrate", "npm run deploy", "curl --fail --silent"]);
  });

  it("stops before the deployment if the migration fails", () => {
    expect(textOf("deploy.yml")).not.toMatch(/continue-on-error|always\(\)|failure\(\)|\|\| true/);
  });

  it("gives the database to the migration alone, and Cloudflare's token to the deployment alone", () => {
    const secrets = deploy.steps!.map(({ env = {} }) => Object.keys(env));
    expect(secrets.filter((names) => names.length > 0)).toEqual([
      ["DATABASE_URL"],
      ["WRANGLER_ENVIRONMENT", "CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID"],
      ["WORKER_URL"],
    ]);
  });

  it("goes to staging from main, to production by a tag or by hand, one at a time", () => {
    expect(on).toMatchObject({
      push: { branches: ["main"], tags: ["v*"] },
      workflow_dispatch: { inputs: { environment: { options: ["staging", "production"] } } },
    });
    const target = "inputs.environment || (github.ref_type == 'tag' && 'production') || 'staging' }}";
    expect(deploy.environment).toBe(`\${{ ${target}`);
    expect(deploy.concurrency).toEqual({ group: `deploy-\${{ ${target}`, "cancel-in-progress": false });
    const named = deploy.steps!.flatMap(({ env }) => env?.["WRANGLER_ENVIRONMENT"] ?? []);
    expect(named).toEqual([`\${{ vars.WRANGLER_ENVIRONMENT || ${target}`]);
  });
});
