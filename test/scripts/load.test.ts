import { expect, it } from "vitest";
import type { Answer, Ledger } from "../../scripts/client/ledger.ts";
import { runLoad, type Times } from "../../scripts/client/load.ts";

const OK: Answer = { status: 200, headers: {}, body: Buffer.from("") };

/** A ledger that takes 100 ms for each answer, by a clock that nothing else moves. */
function slowLedger(answer: (path: string) => Answer | undefined = () => OK) {
  let nowMs = 0;
  const ledger: Ledger = {
    url: "http://127.0.0.1",
    async send({ path }) {
      nowMs += 100;
      const answered = answer(path);
      if (!answered) throw new Error("cut");
      return answered;
    },
    [Symbol.dispose]: () => {},
  };
  return { ledger, clock: () => nowMs };
}

it("counts from when a request was due, and sends nothing from the end on", async () => {
  const times: Times[] = [];
  const unsent: number[] = [];
  await runLoad({
    ...slowLedger(),
    schedules: [[0, 10, 20, 30].values()],
    nextRequest: () => ({ path: "/" }),
    endMs: 150,
    onAnswer: (_request, _answer, time) => void times.push(time),
    onUnsent: (dueMs) => void unsent.push(dueMs),
  });
  // The second waits behind the first: 100 ms of the server, 90 ms of waiting.
  expect(times).toEqual([
    { dueMs: 0, sentMs: 0, doneMs: 100 },
    { dueMs: 10, sentMs: 100, doneMs: 200 },
  ]);
  expect(unsent).toEqual([20, 30]);
});

it("gives each request once, whoever of the users is free, and tells of those without an answer", async () => {
  const paths = ["/a", "/b", "/c", "/d", "/e"].values();
  const answered: [string, number | undefined][] = [];
  const shared = Array.from({ length: 100 }, () => 0).values();
  await runLoad({
    ...slowLedger((path) => (path === "/c" ? undefined : OK)),
    schedules: [shared, shared, shared],
    nextRequest() {
      const { done, value } = paths.next();
      return done ? undefined : { path: value };
    },
    endMs: Number.POSITIVE_INFINITY,
    onAnswer: ({ path }, answer) => void answered.push([path, answer?.status]),
  });
  const all = answered.sort(([a], [b]) => (a < b ? -1 : 1));
  expect(all).toEqual([
    ["/a", 200],
    ["/b", 200],
    ["/c", undefined],
    ["/d", 200],
    ["/e", 200],
  ]);
});
