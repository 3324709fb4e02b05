/** `npm run load-test`: believable load on a server, and whether it held. `--help` explains. */
import { runCommand } from "./command.ts";

runCommand(() => import("./load-test/command.ts"));
