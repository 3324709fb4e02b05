/** `npm run import -- FILE`: past calls from a file, or from an agent's sessions, into the ledger. `--help` explains. */
import { runCommand } from "./command.ts";

const isOfAgent = process.argv.some((argument) => /^--from(?:=|$)/.test(argument));
runCommand(() => (isOfAgent ? import("./import/agents/command.ts") : import("./import/command.ts")));
