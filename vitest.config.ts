import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Queues of the tests' own: few retries, and no waiting for more messages. */
const queueConsumers = {
  "llm-cost-traces": {
    maxBatchSize: 20,
    maxBatchTimeout: 0.02,
    maxRetries: 2,
    deadLetterQueue: "llm-cost-dead-letters",
  },
  "llm-cost-dead-letters": { maxBatchSize: 20, maxBatchTimeout: 0.02, maxRetries: 2 },
};

/** Tests of what ingest promises whatever its mode: they run in both. */
const IN_BOTH_MODES = [
  "traces-native",
  "traces-otlp",
  "traces-bad-bodies",
  "traces-bad-items",
  "trace-trees",
  "litellm",
  "logs",
  "faults",
];

/**
 * Files share an isolate, and so the modules that were loaded for the first one: for each of them workerd or Node took
 * longer to start and to load than most take to run. Modules of src/ keep nothing that one test could see of another.
 */
const IN_ONE_ISOLATE = { isolate: false, unstubEnvs: true };

/** They wait for processes and for the clock half of their time, so more of them run at once: after all others. */
const IN_THE_END = { maxWorkers: Math.ceil(availableParallelism() * 1.5), sequence: { groupOrder: 1 } };

/** In a fresh clone Vitest knows how large files are, not how long they take. These would be alone in the end. */
const LONGEST = /\/(faults|queue|lifetime|doctor)\.e2e\.test\.ts$/;

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const projects = [...new Set(sorted.map(({ project }) => project))];
    const rank = ({ project, moduleId }: TestSpecification): number =>
      2 * projects.indexOf(project) + (LONGEST.test(moduleId) ? 0 : 1);
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}

/**
 * Four kinds of tests, by name: `*.test.ts` in Node, `*.worker.test.ts` inside workerd, `*.queue.test.ts` there in
 * queue mode (and what holds in both modes), `*.e2e.test.ts` against the dev stack as a process. All share one real
 * Postgres behind a Neon endpoint, and one Redis behind an Upstash one; with `DATABASE_DRIVER=postgres` all but the last
 * speak to Postgres itself.
 */
export default defineConfig({
  // Required by pg inside workerd, it would be taken for what it is elsewhere: empty.
  resolve: { alias: { "pg-cloudflare": resolve("node_modules/pg-cloudflare/dist/index.js") } },
  test: {
    globalSetup: ["test/global-setup.ts"],
    // By default a core is left free; but the tests wait for the database and workerd much of their time.
    maxWorkers: "100%",
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.worker.test.ts", "test/**/*.queue.test.ts", "test/**/*.e2e.test.ts"],
          testTimeout: 120_000,
          ...IN_ONE_ISOLATE,
        },
      },
      {
        extends: true,
        plugins: [
          cloudflareTest(({ inject }) => ({
            main: "./src/index.ts",
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              bindings: { ...inject("bindings"), CATALOGUE_URL: "" },
              hyperdrives: inject("hyperdrives"),
              // Not the Worker's own, so that it limits one test alone.
              ratelimits: { TEST_RATE_LIMITER: { namespace_id: "1", simple: { limit: 3, period: 60 } } },
            },
          })),
        ],
        test: { name: "worker", include: ["test/**/*.worker.test.ts"], testTimeout: 60_000, ...IN_ONE_ISOLATE },
      },
      {
        extends: true,
        plugins: [
          cloudflareTest(({ inject }) => ({
            main: "./src/index.ts",
            wrangler: { configPath: "./wrangler.toml", environment: "queue" },
            miniflare: {
              bindings: { ...inject("bindings"), CATALOGUE_URL: "" },
              hyperdrives: inject("hyperdrives"),
              queueConsumers,
            },
          })),
        ],
        test: {
          name: "queue",
          include: ["test/**/*.queue.test.ts", `test/http/{${IN_BOTH_MODES.join()}}.worker.test.ts`],
          testTimeout: 60_000,
          ...IN_ONE_ISOLATE,
        },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/**/*.e2e.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          ...IN_ONE_ISOLATE,
          ...IN_THE_END,
        },
      },
    ],
  },
});
