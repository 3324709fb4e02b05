import { CommandError } from "../command.ts";

/** Why the local stack cannot start, as one sentence that a person can act upon. */
export class StartError extends CommandError {
  override name = "StartError";
}
