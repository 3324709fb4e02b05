/**
 * How ids of evidence name a conversation: by a digest, so that an id of a call whose user was erased does not name it.
 * A span whose conversation is told by a span in another body has its trace in that place, until it is known.
 */
import { callKey } from "./key.ts";

export function digestOf(conversation: string): string {
  return callKey(0, conversation).slice(14);
}

/** What stands for the conversation of a trace while it is not known. */
export function unknownIn(traceId: string): string {
  return `trace ${traceId}`;
}

/** The further ids that a call has once its conversation is known. */
export function idsIn(conversation: string, traceId: string, otherIds: readonly string[]): string[] {
  if (otherIds.length === 0) return [];
  const unknown = `:${digestOf(unknownIn(traceId))}:`;
  return otherIds
    .filter((id) => id.includes(unknown))
    .map((id) => id.replace(unknown, `:${digestOf(conversation)}:`))
    .filter((id) => !otherIds.includes(id));
}
