/** `npm run statusline`: today, this session and the burn rate in one line, for Claude Code. `--help` explains. */
import { runCommand } from "./command.ts";

runCommand(() => import("./statusline/command.ts"));
