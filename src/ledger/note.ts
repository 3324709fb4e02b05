/**
 * A log record that reports the call of the span in which it was written is a note of that span. It stands below the
 * span, under an id that no other span has: the span's own with each digit reversed in value. So the judgement of a
 * trace can tell a note from a call within a call, and needs no column for it.
 */

/** @param spanId lower-case hex. */
export function noteOf(spanId: string): string {
  let note = "";
  for (let at = 0; at < spanId.length; at++) note += REVERSED[spanId[at]!] ?? spanId[at]!;
  return note;
}

const REVERSED: Readonly<Record<string, string>> = Object.fromEntries(
  Array.from("0123456789abcdef", (digit, i) => [digit, (15 - i).toString(16)]),
);

/** True if the span is a note of the one above it. */
export function isNote(spanId: string, parentId: string | null): boolean {
  return (
    parentId !== null && parentId.length === spanId.length && spanId[0] !== parentId[0] && noteOf(parentId) === spanId
  );
}
