/** Why a sign-in failed, to the person who tried. */
import type { Problem } from "./problem.ts";

export function problemSentence({ status, sentence }: Problem): string {
  if (status === 401 || status === 400 || status === 403 || status === 422) {
    return "This key is unknown, expired or revoked. Check that it is whole.";
  }
  if (status === 0) return "The ledger cannot be reached. Check your connection, and try again.";
  return sentence;
}
