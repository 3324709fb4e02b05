/**
 * `npm run dev`. What it needs is listed in the README; settings come from the environment, see src/README.md.
 *
 * It ends with a signal and with npm, in order; nothing that it started outlives it, see guardian.ts.
 */
import { once } from "node:events";
import type { Main } from "../command.ts";
import type { DemoLoader } from "./demo.ts";
import { startDevServer } from "./dev-server.ts";

const PARENT_CHECK_MS = 250;

/** Its argument is npm's process id, which the script in package.json gives: it puts this process right below npm. */
export const mainWith =
  (loader: DemoLoader): Main =>
  async ([npm], { endByItself }) => {
    const ended = AbortSignal.any([endByItself(), endOfParent(Number(npm))]);
    // While it starts nobody was promised anything yet: so it ends at once, and the guardian ends the rest.
    const exit = (): void => process.exit(0);
    ended.addEventListener("abort", exit);
    const server = await startDevServer(process.env, loader, (line) => console.log(line));
    ended.removeEventListener("abort", exit);
    console.log(`\n${server.screen}\n`);
    console.log(`Ready in ${process.uptime().toFixed(1)} s: ${server.url} (Ctrl-C stops everything)`);
    await once(ended, "abort");
    console.log("Stopping …");
    await server.stop();
  };

/**
 * npm passes on SIGINT and SIGTERM only; when anything else ends it, this process gets another parent. Without npm it
 * minds no parent: a shell that starts it in the background may well end before it.
 */
function endOfParent(pid: number): AbortSignal {
  const gone = new AbortController();
  if (pid > 0) {
    const timer = setInterval(() => {
      if (process.ppid === pid) return;
      clearInterval(timer);
      // A closed terminal must not stop the stopping.
      for (const output of [process.stdout, process.stderr]) output.on("error", () => {});
      gone.abort();
    }, PARENT_CHECK_MS).unref();
  }
  return gone.signal;
}
