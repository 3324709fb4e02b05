/** What became of the rows: counts, and the first of those that were refused, by line. */
import type { Acknowledgement } from "./post-traces.ts";

const SHOWN = 10;

export interface Remark {
  line: number;
  reason: string;
}

export interface Tally {
  readonly accepted: number;
  readonly inserted: number;
  readonly duplicates: number;
  readonly rejected: number;
  reject(line: number, reason: string): void;
  /** @param lines the line of each row of the batch that was sent. */
  add(answer: Acknowledgement, lines: readonly number[]): void;
  /** The account at the end, in lines of text. */
  report(): string[];
}

export function startTally(): Tally {
  const refused: Remark[] = [];
  const conflicts: Remark[] = [];
  const counts = { accepted: 0, inserted: 0, duplicates: 0, rejected: 0, queued: 0, conflicts: 0 };

  return {
    get accepted() {
      return counts.accepted;
    },
    get inserted() {
      return counts.inserted;
    },
    get duplicates() {
      return counts.duplicates;
    },
    get rejected() {
      return counts.rejected;
    },
    reject(line, reason) {
      counts.rejected++;
      keepFirst(refused, { line, reason });
    },
    add(answer, lines) {
      counts.accepted += answer.accepted;
      counts.rejected += answer.rejected;
      if (answer.inserted === undefined) counts.queued += answer.accepted;
      counts.inserted += answer.inserted ?? 0;
      counts.duplicates += answer.duplicates ?? 0;
      for (const { index, code, message } of answer.errors) {
        const remark = { line: lines[index] ?? 0, reason: message };
        if (code === "conflict") counts.conflicts++;
        keepFirst(code === "conflict" ? conflicts : refused, remark);
      }
    },
    report() {
      const { accepted, inserted, duplicates, rejected, queued } = counts;
      const number = (n: number): string => n.toLocaleString("en-US");
      const sum = `accepted ${accepted}, inserted ${inserted}, duplicates ${duplicates}, rejected ${rejected}`;
      return [
        queued > 0 ? `${sum} (${number(queued)} queued: the server counts them soon)` : sum,
        ...listed(
          `Counted as duplicates, though their content differs from what is stored:`,
          conflicts,
          counts.conflicts,
        ),
        ...listed(`Rejected:`, refused, rejected),
      ];
    },
  };
}

/** Batches answer out of order; the report is by line. */
function keepFirst(remarks: Remark[], remark: Remark): void {
  if (remarks.length === SHOWN && remark.line >= remarks[SHOWN - 1]!.line) return;
  remarks.push(remark);
  remarks.sort((a, b) => a.line - b.line);
  remarks.length = Math.min(remarks.length, SHOWN);
}

function listed(title: string, remarks: readonly Remark[], of: number): string[] {
  if (of === 0) return [];
  const rest = of - remarks.length;
  return [
    title,
    ...remarks.map(({ line, reason }) => `  line ${line}: ${reason}`),
    ...(rest > 0 ? [`  and ${rest.toLocaleString("en-US")} more`] : []),
  ];
}
