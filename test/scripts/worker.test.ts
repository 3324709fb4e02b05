/** The Worker of `npm run dev` in workerd: its handlers are fired however much it logs, and the demo is beside it. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { bundle, readCompatibilityDate } from "../../scripts/local/bundle.ts";
import { startWorker } from "../../scripts/local/worker.ts";

/** More than the pipe between workerd and this process holds. */
const LOGS_MUCH = `
const log = () => { for (let i = 0; i < 4_000; i++) console.log("x".repeat(1_000)); };
export default {
  fetch: () => { log(); return new Response("ok"); },
  scheduled: () => { log(); },
};`;

// A call that blocked this process would never end, and neither would the test.
it("fires cron while the Worker logs more than a pipe holds", { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "llm-cost-worker-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const scriptPath = join(folder, "worker.mjs");
  await writeFile(scriptPath, LOGS_MUCH);
  let lines = 0;
  const worker = await startWorker({
    scriptPath,
    compatibilityDate: await readCompatibilityDate(),
    port: 0,
    bindings: {},
    queueUrl: "",
    hyperdrives: {},
    log: () => void lines++,
  });
  onTestFinished(worker.stop);
  const [, response] = await Promise.all([worker.runCron("* * * * *"), fetch(worker.url)]);
  expect(await response.text()).toBe("ok");
  await expect.poll(() => lines, { timeout: 30_000 }).toBe(8_000);
});

it("bundles nothing of the demo", { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "llm-cost-worker-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await bundle({ outfile: join(folder, "index.js") });
  const script = await readFile(join(folder, "index.js"), "utf8");
  expect(["/v1/session", "dev/demo", "scripts/demo/"].map((text) => script.includes(text))).toEqual([
    true,
    false,
    false,
  ]);
});
