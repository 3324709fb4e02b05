/** `npm run doctor`: examines the dev stack or a deployment, and says what to do. `--help` explains. */
import { runCommand } from "./command.ts";

runCommand(() => import("./doctor/command.ts"));
