/** `npm run dev`: the whole product on this machine. */
import { runCommand } from "./command.ts";

runCommand(() => import("./local/command.ts"));
