import { describe, expect, it } from "vitest";
import { sendBatches } from "../../scripts/client/send-batches.ts";

describe("sendBatches", () => {
  it("acknowledges in the order read, whatever overtakes", async () => {
    const open: (() => void)[] = [];
    const acked: number[] = [];
    const done = sendBatches([0, 1, 2], {
      concurrency: 3,
      send: async (batch) => {
        await new Promise<void>((resolve) => (open[batch] = resolve));
        return batch;
      },
      onAcked: (batch) => void acked.push(batch),
    });
    const settled = () => new Promise((resolve) => setImmediate(resolve));
    await settled();
    open[2]!();
    open[1]!();
    await settled();
    expect(acked).toEqual([]);
    open[0]!();
    await done;
    expect(acked).toEqual([0, 1, 2]);
  });

  it("takes no further batch after a failure, acknowledges nothing past it, and closes its source", async () => {
    let closed = false;
    const taken: number[] = [];
    function* source(): Generator<number> {
      try {
        for (let i = 0; ; i++) yield i;
      } finally {
        closed = true;
      }
    }
    const acked: number[] = [];
    const sending = sendBatches(source(), {
      concurrency: 1,
      send: async (batch) => {
        taken.push(batch);
        if (batch === 2) throw new Error("refused");
        return batch;
      },
      onAcked: (batch) => void acked.push(batch),
    });
    await expect(sending).rejects.toThrow("refused");
    expect([taken, acked, closed]).toEqual([[0, 1, 2], [0, 1], true]);
  });
});
