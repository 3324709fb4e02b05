/** `npm run demo`: 30 believable days into the running dev server. `--help` explains. */
import { runCommand } from "./command.ts";

runCommand(() => import("./demo/command.ts"));
