/**
 * What a ledger would bill for what was recorded: reports of one call are known by the ids that they share, or because
 * a log record was written within the span of the call. The ledger also uses times and trees; so this is a first look.
 */
import type { Call } from "../../src/ledger/call.ts";
import { isNote } from "../../src/ledger/note.ts";
import { picoToUsd } from "../../src/money.ts";
import { createPricer } from "../../src/pricing/cost.ts";

export interface Bill {
  /** What the call costs, and whether an earlier report of it came. */
  add(call: Call): string;
  /** A line for each program. */
  lines(): string[];
}

interface Billed {
  program: string;
  costPico: bigint | null;
}

export function startBill(): Bill {
  const pricer = createPricer();
  const known = new Map<string, Billed>();
  const billed = new Set<Billed>();
  return {
    add(call) {
      const { costPico, unpricedReason } = pricer.costOf(call);
      const cost = costPico === null ? `no cost: ${unpricedReason}` : `costs $${picoToUsd(costPico)}`;
      if (!call.billable) return cost;
      const ids = idsOf(call);
      const earlier = ids.flatMap((id) => known.get(id) ?? [])[0];
      const entry = earlier ?? { program: call.tags["agent"] ?? call.application, costPico: null };
      if (costPico !== null && (entry.costPico === null || costPico > entry.costPico)) entry.costPico = costPico;
      billed.add(entry);
      for (const id of ids) if (!known.has(id)) known.set(id, entry);
      return earlier === undefined ? cost : `${cost}, the same call as before`;
    },
    lines() {
      const programs = new Map<string, Billed[]>();
      for (const entry of billed) programs.set(entry.program, [...(programs.get(entry.program) ?? []), entry]);
      return [...programs].map(([program, calls]) => {
        const total = calls.reduce((sum, { costPico }) => sum + (costPico ?? 0n), 0n);
        const without = calls.filter(({ costPico }) => costPico === null).length;
        const rest = without === 0 ? "" : `, ${without} without a cost`;
        return `${program}: ${calls.length} ${calls.length === 1 ? "call" : "calls"}, $${picoToUsd(total)}${rest}`;
      });
    },
  };
}

function idsOf({ responseId, otherIds, traceId, spanId, parentId }: Call): string[] {
  const ids = responseId === null ? [...otherIds] : [responseId, ...otherIds];
  if (traceId === null || spanId === null) return ids;
  return [...ids, `${traceId}:${isNote(spanId, parentId) ? parentId : spanId}`];
}
