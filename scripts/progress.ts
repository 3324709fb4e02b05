/** How far a command is: a bar on a terminal, a plain line now and then elsewhere. On stderr. */
import { SingleBar } from "cli-progress";

export interface Progress {
  /** @param note what to say beside the bar, e.g. "12,000 rows". */
  update(value: number, note: string): void;
  /** A sentence of its own, above the bar. */
  say(sentence: string): void;
  stop(): void;
}

const LINE_EVERY_MS = 2_000;

/** @param total what `update` counts up to; unknown for a pipe, which gets lines only. */
export function startProgress(label: string, total: number | undefined): Progress {
  return process.stderr.isTTY && total !== undefined ? bar(label, total) : lines(label, total);
}

function bar(label: string, total: number): Progress {
  const single = new SingleBar({
    format: `${label} [{bar}] {percentage}% | {note} | {eta_formatted} left`,
    hideCursor: true,
    barsize: 30,
    etaBuffer: 200,
  });
  single.start(Math.max(total, 1), 0, { note: "starting" });
  return {
    update: (value, note) => single.update(Math.min(value, Math.max(total, 1)), { note }),
    say: (sentence) => void process.stderr.write(`\r\u001B[K${sentence}\n`),
    stop: () => single.stop(),
  };
}

function lines(label: string, total: number | undefined): Progress {
  let lastAt = performance.now();
  let said = "";
  let pending = "";
  const print = (text: string): void => {
    process.stderr.write(`${text}\n`);
    said = text;
    lastAt = performance.now();
  };
  return {
    update(value, note) {
      const percent = total === undefined ? "" : ` ${Math.floor((100 * value) / Math.max(total, 1))}%`;
      pending = `${label}${percent}, ${note}`;
      if (performance.now() - lastAt >= LINE_EVERY_MS) print(pending);
    },
    say: (sentence) => void process.stderr.write(`${sentence}\n`),
    stop() {
      if (pending !== "" && pending !== said) print(pending);
    },
  };
}
