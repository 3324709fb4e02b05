/** `npm run import -- FILE`: past calls from a CSV or NDJSON file into the ledger. `--help` explains. */
import { runCommand } from "./command.ts";

runCommand(() => import("./import/command.ts"));
