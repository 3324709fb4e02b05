/** `npm run capacity`: what so many traces a day take and cost, by a simulation that the benchmark calibrates. */
import { runCommand } from "./command.ts";

runCommand(() => import("./capacity/command.ts"));
