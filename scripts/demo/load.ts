/** Generated calls into the ledger, in batches, up to a moment past which they lie in the future. */
import type { Ledger } from "../client/ledger.ts";
import { postTraces } from "../client/post-traces.ts";
import { sendBatches } from "../client/send-batches.ts";
import type { Tally } from "../client/tally.ts";
import { type Progress, startProgress } from "../progress.ts";
import type { DemoOptions } from "./options.ts";
import { traffic, type NativeTrace } from "./traffic.ts";

/** @returns how many calls were left out because they begin at `untilMs` or later. */
export async function loadTraffic(
  options: DemoOptions,
  ledger: Ledger,
  tally: Tally,
  untilMs: number,
  progress: Progress = startProgress("Loading", options.traces),
): Promise<number> {
  const { traces, batch: size, concurrency } = options;
  let ahead = 0;

  function* batches(): Generator<NativeTrace[]> {
    let batch: NativeTrace[] = [];
    let made = 0;
    for (const trace of traffic(options)) {
      if (Date.parse(trace.timestamp) >= untilMs) {
        ahead = traces - made;
        break;
      }
      made++;
      batch.push(trace);
      if (batch.length < size) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  }

  let done = 0;
  try {
    await sendBatches(batches(), {
      concurrency,
      async send(batch) {
        const onRetry = (sentence: string): void => progress.say(sentence);
        tally.add(await postTraces(ledger, JSON.stringify(batch), { onRetry }), []);
        return batch.length;
      },
      onAcked(calls) {
        done += calls;
        progress.update(done, `${done.toLocaleString("en-US")} calls`);
      },
    });
  } finally {
    progress.stop();
  }
  return ahead;
}
