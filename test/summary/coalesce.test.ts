import { describe, expect, it } from "vitest";
import { createCoalescer } from "../../src/summary/coalesce.ts";

/** Runs that end when told to, each with its number. */
function runs() {
  const ends: ((error?: Error) => void)[] = [];
  const run = () =>
    new Promise<number>((resolve, reject) => {
      const number = ends.length + 1;
      ends.push((error) => (error ? reject(error) : resolve(number)));
    });
  return { ends, run };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a coalescer", () => {
  it("answers all who came during one run with the next, and nobody with a run that began before", async () => {
    const { share } = createCoalescer<number>();
    const { ends, run } = runs();
    const ask = () => share("k", run, () => {});
    const first = ask();
    const others = [ask(), ask(), ask()];
    const apart = share("other", run, () => {});
    expect(ends).toHaveLength(2);
    ends[0]!();
    expect(await first).toBe(1);
    await turn();
    expect(ends).toHaveLength(3);
    const later = ask();
    ends[2]!();
    expect(await Promise.all(others)).toEqual([3, 3, 3]);
    await turn();
    ends[3]!();
    expect(await later).toBe(4);
    ends[1]!();
    expect(await apart).toBe(2);
  });

  it("runs on after a failure, which only those see who shared it", async () => {
    const { share, idle } = createCoalescer<number>();
    const { ends, run } = runs();
    const ask = () => share("k", run, () => {});
    const first = ask();
    const second = ask();
    ends[0]!(new Error("lost"));
    await expect(first).rejects.toThrow("lost");
    await turn();
    const quiet = idle("k");
    ends[1]!();
    expect(await second).toBe(2);
    await quiet;
    const third = ask();
    ends[2]!();
    expect(await third).toBe(3);
  });
});
