/** `npm run page`: builds the page. `node scripts/page.ts types` makes only the types of its API. */
import { runCommand } from "./command.ts";

runCommand(() => import("./page/command.ts"));
