/** What an import would add, by day and model: read and priced as the ledger does it. */
import { decodeNative } from "../../../src/ingest/decode/native.ts";
import { picoToUsd } from "../../../src/money.ts";
import { createPricer } from "../../../src/pricing/cost.ts";
import type { Values } from "../row-to-trace.ts";

interface Group {
  calls: number;
  input: number;
  output: number;
  costPico: bigint;
  unpriced: number;
}

export interface DryRun {
  /** @returns why calls were refused. */
  add(traces: readonly Values[]): string[];
  table(): string[];
}

export function startDryRun(nowMs: number): DryRun {
  const groups = new Map<string, Group>();
  const pricer = createPricer();
  const groupOf = (key: string): Group => {
    const group = groups.get(key) ?? { calls: 0, input: 0, output: 0, costPico: 0n, unpriced: 0 };
    groups.set(key, group);
    return group;
  };
  return {
    add(traces) {
      const { calls, errors } = decodeNative(traces, nowMs);
      for (const call of calls) {
        const { costPico } = pricer.costOf(call);
        for (const key of [`${new Date(call.startedAtMs).toISOString().slice(0, 10)}\t${call.model}`, TOTAL]) {
          const group = groupOf(key);
          group.calls++;
          group.input += call.inputTokens ?? 0;
          group.output += call.outputTokens ?? 0;
          group.costPico += costPico ?? 0n;
          if (costPico === null) group.unpriced++;
        }
      }
      return errors.map(({ message }) => message);
    },
    table() {
      const keys = [...groups.keys()].filter((key) => key !== TOTAL).sort();
      const total = groups.get(TOTAL);
      const rows = [...keys.map((key) => rowOf(key, groups.get(key)!)), ...(total ? [rowOf(TOTAL, total)] : [])];
      return aligned([["day", "model", "calls", "input", "output", "cost_usd", "unpriced"], ...rows]);
    },
  };
}

const TOTAL = "total\t";

function rowOf(key: string, { calls, input, output, costPico, unpriced }: Group): string[] {
  const number = (n: number): string => n.toLocaleString("en-US");
  return [...key.split("\t"), number(calls), number(input), number(output), picoToUsd(costPico), number(unpriced)];
}

/** Names to the left, numbers to the right. */
function aligned(rows: readonly string[][]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd(),
  );
}
