/** Totals that are stated twice, in a provider's document and beside it. */
import { contradiction } from "../../ledger/buckets.ts";
import type { Usage } from "../../ledger/call.ts";

/**
 * Of two statements the larger one tells more: the other is of a stream's beginning, or leaves turns out. It is not
 * taken if it has just the cached tokens or the reasoning twice.
 *
 * @param usage of the document; its totals are replaced.
 * @param where the other statement is, in words.
 * @returns what was replaced, in words.
 */
export function takeLargerTotals(
  usage: Usage,
  stated: Pick<Usage, "inputTokens" | "outputTokens">,
  where: string,
): string[] {
  // A document that contradicts itself is not mended by other totals.
  if (contradiction(usage) !== null) return [];
  const replaced: string[] = [];
  const { cacheReadTokens, cacheWriteTokens, reasoningTokens } = usage;
  const [reads, writes] = [cacheReadTokens ?? 0, cacheWriteTokens ?? 0];
  if (isMore(stated.inputTokens, usage.inputTokens, [reads, writes, reads + writes])) {
    if (usage.inputTokens !== null) replaced.push(`input from ${where}, which has more`);
    usage.inputTokens = stated.inputTokens;
  }
  if (isMore(stated.outputTokens, usage.outputTokens, [reasoningTokens ?? 0])) {
    if (usage.outputTokens !== null) replaced.push(`output from ${where}, which has more`);
    usage.outputTokens = stated.outputTokens;
  }
  return replaced;
}

function isMore(stated: number | null, told: number | null, twice: readonly number[]): boolean {
  if (stated === null || told === null) return told === null;
  return stated > told && !twice.includes(stated - told);
}
