import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

/**
 * Three kinds of tests, by name: `*.test.ts` in Node, `*.worker.test.ts` inside workerd, `*.e2e.test.ts` against
 * the dev stack as a process. All share one real Postgres behind a Neon endpoint, and one Redis behind an Upstash one.
 */
export default defineConfig({
  test: {
    globalSetup: ["test/global-setup.ts"],
    projects: [
      {
        extends: true,
        test: {
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.worker.test.ts", "test/**/*.e2e.test.ts"],
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        plugins: [
          cloudflareTest(({ inject }) => ({
            main: "./src/index.ts",
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: { bindings: { ...inject("bindings") } },
          })),
        ],
        test: { name: "worker", include: ["test/**/*.worker.test.ts"], testTimeout: 30_000 },
      },
      {
        extends: true,
        test: { name: "e2e", include: ["test/**/*.e2e.test.ts"], testTimeout: 120_000, hookTimeout: 120_000 },
      },
    ],
  },
});
