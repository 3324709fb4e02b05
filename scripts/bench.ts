/** `npm run bench -- [part …] [--json FILE]`: figures from one run on this machine, as tables and as JSON. */
import { runCommand } from "./command.ts";

runCommand(() => import("./bench/command.ts"));
