/** The calls of `npm run demo`, fewer of them, for the page's button: somebody waits for them. */
import { HOUR_MS } from "../../src/time.ts";
import { connect } from "../client/ledger.ts";
import { startTally } from "../client/tally.ts";
import { loadTraffic } from "../demo/load.ts";
import { parseDemoArgs } from "../demo/options.ts";
import type { DemoLoader } from "../local/demo.ts";

const CALLS = 20_000;

export const demoLoader: DemoLoader = {
  calls: CALLS,
  async load(server, onCalls) {
    const nowMs = Date.now();
    const options = parseDemoArgs(["--traces", String(CALLS)], nowMs);
    using ledger = connect(server);
    const tally = startTally();
    const progress = { update: onCalls, say: () => {}, stop: () => {} };
    await loadTraffic(options, ledger, tally, Math.floor(nowMs / HOUR_MS) * HOUR_MS, progress);
    if (tally.rejected > 0) throw new Error(`${tally.rejected} calls were rejected`);
  },
};
