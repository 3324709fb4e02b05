/** `npm run import -- FILE`: past calls from a CSV or NDJSON file into the ledger. `--help` explains. */
import { runCommand } from "./command.ts";

let interrupted = false;

async function main(): Promise<number> {
  process.on("SIGINT", () => {
    if (interrupted) process.exit(130);
    interrupted = true;
    console.error("\nFinishing what is under way … (again to end at once)");
  });
  // Only now, so that missing packages are a sentence and not a stack trace.
  const { parseImportArgs } = await import("./import/options.ts");
  const options = parseImportArgs(process.argv.slice(2));
  if (!options) {
    console.log((await import("./import/help.ts")).IMPORT_HELP);
    return 0;
  }
  const { dataDir, findServer } = await import("./import/server.ts");
  const { importFile } = await import("./import/import-file.ts");
  const { startTally } = await import("./import/tally.ts");
  const tally = startTally();
  const context = { server: await findServer(options, process.env), dataDir: dataDir(process.env), tally };
  const report = (): void => console.log(tally.report().join("\n"));
  const { earlier, complete } = await importFile(options, { ...context, interrupted: () => interrupted }).catch(
    (error: unknown) => {
      // What was accepted until here is in the ledger.
      if (tally.accepted + tally.rejected > 0) report();
      throw error;
    },
  );
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

runCommand(main);
