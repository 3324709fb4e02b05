/** `npm run prices -- diff|update|show MODEL`: the price catalogue, by hand. `--help` explains. */
import { runCommand } from "./command.ts";

runCommand(() => import("./prices/command.ts"));
