/** `npm run demo`, from its flags to its last line. */
import { HOUR_MS, DAY_MS } from "../../src/time.ts";
import { connect } from "../client/ledger.ts";
import { dataDir, findServer } from "../client/server.ts";
import { startTally } from "../client/tally.ts";
import type { Lifetime } from "../command.ts";
import { examples, totalsSentence } from "./closing.ts";
import { loadTraffic } from "./load.ts";
import { parseDemoArgs } from "./options.ts";

export async function main(args: readonly string[], { ends }: Lifetime): Promise<number> {
  const nowMs = Date.now();
  const options = parseDemoArgs(args, nowMs);
  const server = await findServer(options, dataDir(process.env));
  const ledger = ends.use(connect(server));
  const tally = startTally();
  const beganMs = performance.now();
  const ahead = await loadTraffic(options, ledger, tally, Math.floor(nowMs / HOUR_MS) * HOUR_MS);
  const seconds = (performance.now() - beganMs) / 1_000;

  const period = { fromMs: options.endMs - options.days * DAY_MS, toMs: options.endMs };
  console.log(`${tally.report().join("\n")} in ${seconds.toFixed(1)} s`);
  if (ahead > 0) console.log(`${ahead.toLocaleString("en-US")} more begin later today: run it again then to add them.`);
  console.log(await totalsSentence(ledger, period));
  console.log(`\n${examples(server, period)}`);
  return tally.rejected > 0 ? 1 : 0;
}
