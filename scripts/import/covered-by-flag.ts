/** The flag that says what pays for calls whose file does not. */
import { Option } from "@commander-js/extra-typings";

export const coveredByFlag = new Option(
  "--covered-by <which>",
  "what pays for calls whose file does not say it",
).choices(["api", "plan"] as const);
