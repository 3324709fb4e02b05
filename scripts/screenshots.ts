/** `npm run screenshots`: pictures of the page for the README, with the demo's calls in it. */
import { runCommand } from "./command.ts";

runCommand(() => import("./screenshots/command.ts"));
