/**
 * A reason why the local stack cannot start, as one sentence that a person can act upon. It is printed without a stack
 * trace; anything else that is thrown is a bug of ours and keeps its trace.
 */
export class StartError extends Error {
  override name = "StartError";
}
