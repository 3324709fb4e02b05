/** `npm run profile -- SCENARIO`: a CPU and a heap profile of the Worker under load. `--help` explains. */
import { runCommand } from "./command.ts";

runCommand(() => import("./profile/command.ts"));
