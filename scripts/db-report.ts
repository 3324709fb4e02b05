/** `npm run db:report`: the state of the database, with advice. `--help` explains. */
import { runCommand } from "./command.ts";

runCommand(() => import("./db-report/command.ts"));
