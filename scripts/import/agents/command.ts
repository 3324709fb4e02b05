/** `npm run import -- --from AGENT`, from its flags to its last line. */
import { homedir } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { connect } from "../../client/ledger.ts";
import { dataDir, findServer } from "../../client/server.ts";
import type { Lifetime } from "../../command.ts";
import { openAccount } from "./account.ts";
import { type AgentContext, importAgents } from "./import-agents.ts";
import { parseAgentArgs } from "./options.ts";

export async function main(args: readonly string[], { ends, endByItself }: Lifetime): Promise<number> {
  const options = parseAgentArgs(args);
  const folder = dataDir(process.env);
  const account = openAccount();
  let to: AgentContext["to"];
  if (!options.dryRun) {
    const server = await findServer(options, folder);
    to = { server, ledger: ends.use(connect(server)) };
  }
  const interrupted = endByItself();
  interrupted.addEventListener("abort", () => console.error("\nFinishing what is under way … (again to end at once)"));
  const report = (): void => {
    const lines = account.report();
    // A dry run has sent nothing that an account could be given of.
    console.log((options.dryRun ? lines.filter((_, line) => line !== 1) : lines).join("\n"));
  };

  const system = { platform: process.platform, home: homedir(), env: process.env };
  const wait = async (ms: number): Promise<void> => {
    await delay(ms, undefined, { signal: interrupted }).catch(() => undefined);
  };
  const context = { system, to, dataDir: folder, account, now: () => Date.now(), wait, interrupted };
  const { files, unchanged, complete, table } = await importAgents(options, context).catch((error: unknown) => {
    // What was accepted until here is in the ledger.
    if (account.found > 0) report();
    throw error;
  });
  if (table.length > 1) console.log(`${table.join("\n")}\n`);
  const number = (n: number): string => n.toLocaleString("en-US");
  console.log(`Read ${number(files)} files; ${number(unchanged)} did not change since an earlier run.`);
  report();
  if (complete || options.watch) return account.rejected > 0 ? 1 : 0;
  console.log("Interrupted: run the same command again to continue.");
  return 130;
}
