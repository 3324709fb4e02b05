/** `npm run db:explain -- PATH`: the plans of what a question of the API asks the database. `--help` explains. */
import { runCommand } from "./command.ts";

runCommand(() => import("./db-explain/command.ts"));
