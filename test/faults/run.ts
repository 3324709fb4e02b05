/**
 * `npm run test:faults -- --mode postgres --minutes 20 --calls 3000 --faults 170 --only Redis --seed 7`. Each part may
 * be left out.
 */
import { parseArgs } from "node:util";
import { run } from "./harness.ts";
import { canRun, type Mode } from "./stack.ts";

const { values } = parseArgs({
  options: {
    mode: { type: "string", default: "neon" },
    minutes: { type: "string", default: "5" },
    calls: { type: "string", default: "3000" },
    faults: { type: "string" },
    only: { type: "string" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
if (!canRun()) {
  console.error("The fault tests need Linux and a redis-server on the path.");
  process.exit(1);
}
console.log(`mode ${values.mode}, seed ${values.seed}`);
const found = await run({
  mode: values.mode as Mode,
  seed: Number(values.seed),
  seconds: Number(values.minutes) * 60,
  callsPerSecond: Number(values.calls),
  faults: values.faults === undefined ? undefined : Number(values.faults),
  only: values.only,
  say: (line) => console.log(line),
});
console.log(JSON.stringify({ ...found, broken: found.broken.length }));
for (const sentence of found.broken.slice(0, 20)) console.log(`BROKEN: ${sentence}`);
process.exitCode = found.broken.length > 0 ? 1 : 0;
