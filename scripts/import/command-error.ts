/** Ends a command: its message is one sentence for the person who ran it, no stack trace. */
export class CommandError extends Error {
  override name = "CommandError";
}
