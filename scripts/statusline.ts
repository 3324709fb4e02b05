/** `npm run statusline`: today, this session and the burn rate in one line, for Claude Code. `--help` explains. */
import { enableCompileCache } from "node:module";
import { runCommand } from "./command.ts";

// It runs after every answer, and reading its modules takes half of its time.
enableCompileCache();
runCommand(() => import("./statusline/command.ts"));
