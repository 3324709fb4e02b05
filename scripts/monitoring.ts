/** `npm run monitoring`: writes the rules and dashboards of scripts/monitoring anew. */
import { runCommand } from "./command.ts";

runCommand(() => import("./monitoring/command.ts"));
