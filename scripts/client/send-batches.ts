/** Several batches under way at once, acknowledged in the order in which they were read. */

export interface Sending<Batch, Ack> {
  concurrency: number;
  send(batch: Batch): Promise<Ack>;
  /** Called in the order of the batches: everything before is acknowledged too. */
  onAcked(ack: Ack): void;
  /** Once true, no further batch is taken; what is under way is finished. */
  stopped?: () => boolean;
}

/** Rejects with the first failure, after the other requests under way have ended. */
export async function sendBatches<Batch, Ack>(
  batches: Iterable<Batch> | AsyncIterable<Batch>,
  { concurrency, send, onAcked, stopped = () => false }: Sending<Batch, Ack>,
): Promise<void> {
  const source = inTurn(batches);
  // Acks, not batches: one slow request must not keep the bodies of all that overtake it.
  const underWay: { ack?: Ack; done: boolean }[] = [];
  const state = { failed: false };

  const work = async (): Promise<void> => {
    while (!state.failed && !stopped()) {
      const { value: batch, done } = await source.next();
      if (done) return;
      const entry: { ack?: Ack; done: boolean } = { done: false };
      underWay.push(entry);
      entry.ack = await send(batch);
      entry.done = true;
      while (underWay[0]?.done) onAcked(underWay.shift()!.ack as Ack);
    }
  };
  const workers = Array.from({ length: concurrency }, async () => {
    try {
      await work();
    } catch (error) {
      state.failed = true;
      throw error;
    }
  });
  try {
    const failure = (await Promise.allSettled(workers)).find((result) => result.status === "rejected");
    if (failure) throw failure.reason;
  } finally {
    await source.return(undefined);
  }
}

/** An async generator answers concurrent `next()` calls one after the other, in their order. */
async function* inTurn<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T> {
  yield* items;
}
