/** `npm run capture -- --out DIR`: records what an LLM instrumentation sends. `--help` explains. */
import { runCommand } from "./command.ts";

runCommand(() => import("./capture/command.ts"));
