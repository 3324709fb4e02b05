/** `npm run slo`: whether the service levels are kept, by Prometheus or by the record of a load test. */
import { runCommand } from "./command.ts";

runCommand(() => import("./slo/command.ts"));
