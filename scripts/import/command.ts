/** `npm run import`, from its flags to its last line. */
import { connect } from "../client/ledger.ts";
import { dataDir, findServer } from "../client/server.ts";
import { startTally } from "../client/tally.ts";
import type { Lifetime } from "../command.ts";
import { importFile } from "./import-file.ts";
import { parseImportArgs } from "./options.ts";

export async function main(args: readonly string[], { ends, endByItself }: Lifetime): Promise<number> {
  const options = parseImportArgs(args);
  const folder = dataDir(process.env);
  const server = await findServer(options, folder);
  const ledger = ends.use(connect(server));
  const tally = startTally();
  const report = (): void => console.log(tally.report().join("\n"));
  const interrupted = endByItself();
  interrupted.addEventListener("abort", () => console.error("\nFinishing what is under way … (again to end at once)"));

  const context = { server, ledger, dataDir: folder, tally, interrupted: () => interrupted.aborted };
  const { earlier, complete } = await importFile(options, context).catch((error: unknown) => {
    // What was accepted until here is in the ledger.
    if (tally.accepted + tally.rejected > 0) report();
    throw error;
  });
  if (earlier.rows > 0) console.log(`Went on after row ${described(earlier)} (--restart sends all).`);
  report();
  if (complete) return tally.rejected + earlier.refused > 0 ? 1 : 0;
  console.log("Interrupted: run the same command again to continue.");
  return 130;
}

function described({ rows, refused }: { rows: number; refused: number }): string {
  const rejected = refused > 0 ? `, with ${refused.toLocaleString("en-US")} rejected until there` : "";
  return `${rows.toLocaleString("en-US")}, where an earlier run ended${rejected}`;
}
