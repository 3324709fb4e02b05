/** What became of the calls: counts, and reasons for those that were skipped. */
import type { Acknowledgement } from "../../client/post-traces.ts";

export interface Account {
  readonly found: number;
  readonly rejected: number;
  find(): void;
  repeat(): void;
  skip(reason: string): void;
  add(answer: Acknowledgement): void;
  /** In lines of text. */
  report(): string[];
}

/** Reasons that are told apart; a server that explains each call differently must not fill the memory. */
const MOST_REASONS = 100;

export function openAccount(): Account {
  const counts = { found: 0, repeated: 0, accepted: 0, inserted: 0, duplicates: 0, rejected: 0, queued: 0 };
  const skipped = new Map<string, number>();
  const rejected = new Map<string, number>();
  const countIn = (reasons: Map<string, number>, reason: string): void => {
    const name = reasons.has(reason) || reasons.size < MOST_REASONS ? reason : "other reasons";
    reasons.set(name, (reasons.get(name) ?? 0) + 1);
  };
  return {
    get found() {
      return counts.found;
    },
    get rejected() {
      return counts.rejected;
    },
    find: () => void counts.found++,
    repeat: () => void counts.repeated++,
    skip: (reason) => countIn(skipped, reason),
    add(answer) {
      counts.accepted += answer.accepted;
      counts.rejected += answer.rejected;
      counts.inserted += answer.inserted ?? 0;
      counts.duplicates += answer.duplicates ?? 0;
      if (answer.inserted === undefined) counts.queued += answer.accepted;
      // A conflict is another copy of a call that the ledger has: it counts once.
      for (const { code, message } of answer.errors) if (code !== "conflict") countIn(rejected, message);
    },
    report() {
      const { found, repeated, accepted, inserted, duplicates, queued } = counts;
      const number = (n: number): string => n.toLocaleString("en-US");
      const sent = `accepted ${accepted}, inserted ${inserted}, duplicates ${duplicates}, rejected ${counts.rejected}`;
      return [
        `Found ${number(found)} calls, and ${number(repeated)} copies of them.`,
        queued > 0 ? `${sent} (${number(queued)} queued: the server counts them soon)` : sent,
        ...listed("Skipped:", skipped),
        ...listed("Rejected by the server:", rejected),
      ];
    },
  };
}

function listed(title: string, reasons: ReadonlyMap<string, number>): string[] {
  if (reasons.size === 0) return [];
  const lines = [...reasons].sort((a, b) => b[1] - a[1]);
  return [title, ...lines.map(([reason, count]) => `  ${count.toLocaleString("en-US")} ${reason}`)];
}
