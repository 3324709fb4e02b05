/** A process that runs the backends for the tests until its parent ends it; tells the parent where they are. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBackends } from "../scripts/local/stack.ts";

const dataDir = await mkdtemp(join(tmpdir(), "llm-cost-test-"));
const { databaseUrl, bindings, stop } = await startBackends({
  dataDir,
  databaseUrl: process.env["DATABASE_URL"],
  redisUrl: process.env["REDIS_URL"],
});
process.once("disconnect", async () => {
  await stop();
  await rm(dataDir, { recursive: true, force: true });
  process.exit(0);
});
process.send?.({ databaseUrl, bindings });
