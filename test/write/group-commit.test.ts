/** How many statements a group commit makes. `test/simulation` has what happens in every order. */
import { expect, it, vi } from "vitest";
import { createGroupCommit } from "../../src/write/group-commit.ts";
import type { Batch, Written } from "../../src/write/write-batch.ts";

it("writes all that wait in one statement after a stall, too", async () => {
  vi.useFakeTimers();
  try {
    const sizes: number[] = [];
    const stalled = Promise.withResolvers<void>();
    const groupCommit = createGroupCommit(async (_, { calls }): Promise<Written> => {
      sizes.push(calls.length);
      if (sizes.length <= 2) await stalled.promise;
      return { outcomes: calls.map(() => "inserted"), earliestMs: null, partials: 1 };
    });
    const oneCall = { calls: [{}], links: [] } as unknown as Batch;
    const commits = Array.from({ length: 102 }, () => groupCommit.commit("project", oneCall, () => {}));
    await vi.advanceTimersByTimeAsync(2_500);
    // Two went at once, and 100 waited for them in vain.
    expect(sizes).toEqual([1, 1, 100]);
    stalled.resolve();
    await vi.advanceTimersByTimeAsync(0);
    const written = await Promise.all(commits);
    expect(written.flatMap(({ outcomes }) => outcomes)).toEqual(Array(102).fill("inserted"));
  } finally {
    vi.useRealTimers();
  }
});

it("lets a batch that takes no others along wait for four statements, others for two", async () => {
  const sizes: number[] = [];
  const { promise: slow, resolve: end } = Promise.withResolvers<void>();
  const groupCommit = createGroupCommit(async (_, { calls }): Promise<Written> => {
    sizes.push(calls.length);
    await slow;
    return { outcomes: calls.map(() => "inserted"), earliestMs: null, partials: 1 };
  });
  const commits = [1_000, 1_000, 999, 1_000, 1, 1_000, 1_000].map((calls) =>
    groupCommit.commit("project", { calls: Array.from({ length: calls }), links: [] } as unknown as Batch, () => {}),
  );
  expect(sizes).toEqual([1_000, 1_000, 1_000, 1_000]);
  end();
  const written = await Promise.all(commits);
  expect(written.flatMap(({ outcomes }) => outcomes)).toHaveLength(6_000);
});
