/** `npm run demo`: 30 believable days into the running dev server. `--help` explains. */
import { runCommand } from "./command.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

async function main(): Promise<number> {
  // Only now, so that missing packages are a sentence and not a stack trace.
  const { DEMO_HELP, parseDemoArgs } = await import("./demo/options.ts");
  const nowMs = Date.now();
  const options = parseDemoArgs(process.argv.slice(2), nowMs);
  if (!options) {
    console.log(DEMO_HELP);
    return 0;
  }
  const { findServer } = await import("./import/server.ts");
  const { startTally } = await import("./import/tally.ts");
  const { loadTraffic } = await import("./demo/load.ts");
  const { examples, totalsSentence } = await import("./demo/closing.ts");

  const server = await findServer(options, process.env);
  const tally = startTally();
  const beganMs = performance.now();
  const ahead = await loadTraffic(options, server, tally, Math.floor(nowMs / HOUR_MS) * HOUR_MS);
  const seconds = (performance.now() - beganMs) / 1_000;

  const period = { fromMs: options.endMs - options.days * DAY_MS, toMs: options.endMs };
  console.log(`${tally.report().join("\n")} in ${seconds.toFixed(1)} s`);
  if (ahead > 0) console.log(`${ahead.toLocaleString("en-US")} more begin later today: run it again then to add them.`);
  console.log(await totalsSentence(server, period));
  console.log(`\n${examples(server, period)}`);
  return tally.rejected > 0 ? 1 : 0;
}

runCommand(main);
