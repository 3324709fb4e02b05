/**
 * Ids made of evidence, for programs whose reports of a call name no request and no response: the conversation, the
 * counts, and when it ended. Two reports may tell the end a little differently. So each has two ids, of windows that
 * overlap: reports within half a window share one at least, and those a window apart share none.
 */
import { digestOf } from "../../ledger/conversation.ts";
import { remembered } from "./remembered.ts";

const WINDOW_MS = 10_000;
const conversationDigest = remembered(digestOf);

/** @returns none without a conversation, because equal counts alone are no evidence. */
export function evidenceOf(
  program: string,
  conversation: string | null,
  counts: readonly (number | null)[],
  endedAtMs: number,
): string[] {
  if (conversation === null || conversation === "" || counts.every((count) => count === null)) return [];
  const said = `${program}:${conversationDigest(conversation)}:${counts.map((count) => count ?? "").join("/")}`;
  const window = endedAtMs / WINDOW_MS;
  return [`${said}@${Math.floor(window)}`, `${said}@${Math.floor(window + 0.5)}'`];
}

/**
 * Claude Code's evidence. Its files always name request and response, and its records and spans do since 2.1.110. So
 * it is only asked for where a report of an older release is concerned.
 *
 * @param counts without what was cached: input, cache reads, cache writes, output. Its records say 0 where a file says nothing.
 */
export function claudeEvidenceOf(
  sessionId: string | null,
  counts: readonly (number | null | undefined)[],
  endedAtMs: number,
): string[] {
  return evidenceOf(
    "claude-code",
    sessionId,
    counts.map((count) => count ?? 0),
    endedAtMs,
  );
}
