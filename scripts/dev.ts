/**
 * `npm run dev`: the whole product on this machine. What it needs is listed in the README; settings come from the
 * environment: PORT, DATA_DIR, DATABASE_URL, REDIS_URL, WRAPPER_GRACE_SECONDS, INGEST_MODE, METRICS_TOKEN,
 * RAW_RETENTION_DAYS, HOUR_RETENTION_DAYS.
 */
import { StartError } from "./local/start-error.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

let stopping = false;
let stopServer: (() => Promise<void>) | undefined;

/** Ends in order once; a second signal ends at once. */
async function stop(): Promise<void> {
  if (stopping) process.exit(1);
  stopping = true;
  // Still starting: main() ends what it has as soon as it has all of it.
  if (!stopServer) return;
  console.log("Stopping …");
  await stopServer();
  process.exit(0);
}

async function main(): Promise<void> {
  for (const signal of signals) process.on(signal, () => void stop());
  // A closed terminal must not stop the stopping.
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
  // Only now, so that missing packages are a sentence and not a stack trace.
  const { startDevServer } = await import("./local/dev-server.ts");
  const server = await startDevServer(process.env, (line) => console.log(line));
  if (stopping) {
    await server.stop();
    process.exit(0);
  }
  stopServer = server.stop;
  console.log(`\n${server.screen}\n`);
  console.log(`Ready in ${process.uptime().toFixed(1)} s: ${server.url} (Ctrl-C stops everything)`);
}

main().catch((error: Error & { code?: string }) => {
  if (error instanceof StartError) console.error(error.message);
  else if (error.code === "ERR_MODULE_NOT_FOUND") console.error('Packages are missing: run "npm ci" first.');
  else console.error(error);
  process.exit(1);
});
