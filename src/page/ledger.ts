/**
 * Questions to the ledger, typed by its own description. The browser asks again with the ETag that it has; an answer
 * that still holds is the same object as before, so nothing is drawn anew.
 */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { components } from "./api.d.ts";
import { createMemory, isSame } from "./memory.ts";
import { isPassing, OFFLINE, type Problem, problemOf, SLOW } from "./problem.ts";
import { chosenProject, signedIn } from "./session.ts";
import { createStore, type Store } from "./store.ts";

export { ledger } from "./client.ts";

export type Schemas = components["schemas"];

export class Refused extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.sentence);
    this.problem = problem;
  }
}

const MOST_REMEMBERED = 100;
/** In bytes, about. */
const MOST_SIZE = 16_000_000;
/** Answers of this visit by question, so that going back shows at once what was there. */
export const remembered = createMemory(MOST_REMEMBERED, MOST_SIZE);
/** Answers by address, with their ETags. */
const received = createMemory(MOST_REMEMBERED, MOST_SIZE);

/** The answer. While its ETag stays, it is the same object. @throws Refused */
export async function read<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await asked.catch((error: unknown) => {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Refused(OFFLINE);
  });
  if (!response.ok || data === undefined) throw new Refused(problemOf(response.status, error));
  const etag = response.headers.get("ETag");
  if (etag === null) return data;
  const name = `${chosenProject.get() ?? ""} ${response.url}`;
  const last = received.get(name) as { etag: string; data: T } | undefined;
  if (last?.etag === etag) return last.data;
  received.set(name, { etag, data });
  return data;
}

export interface Loaded<T> {
  /** The latest answer. It stays while it is asked again, and when that fails. */
  data: T | null;
  problem: Problem | null;
  /** No answer to this question yet: what is shown is of another one, or nothing. */
  isLoading: boolean;
  /** What is shown is older than it should be, or of the question before: asking fails, or takes long. */
  isStale: boolean;
  /** For how long the answer is known to hold, in ms since it came. It grows without the answer being drawn anew. */
  held: Store<number>;
  retry(): void;
}

/** A question whose answer is shown although it cannot be asked again. The shell tells all of them at once. */
export interface Trouble {
  problem: Problem;
  retry: () => void;
}
export const troubles = createStore<readonly Trouble[]>([]);
/** How many questions wait for their first answer. */
export const pending = createStore(0);

const RETRY_MS = 5_000;
/** A question that was answered before, and now is not after this time, makes its answer stale. */
const LATE_MS = 4_000;
const GIVE_UP_MS = 60_000;

interface State<T> extends Pick<Loaded<T>, "data" | "problem" | "isLoading" | "isStale"> {
  name: string;
  /** The data is the answer to this question, and not to the one before it. */
  isOwn: boolean;
}

/**
 * Asks, and asks again after `everyMs` and when the window is seen again. While it is hidden, offline or without a
 * session, nothing is asked. An answer that is the same as before draws nothing anew.
 *
 * @param question names all that the answer depends on.
 */
export function useAnswer<T>(question: string, ask: (signal: AbortSignal) => Promise<T>, everyMs?: number): Loaded<T> {
  const project = chosenProject.get() ?? "";
  const name = `${project} ${question}`;
  const [, again] = useState<unknown>();
  const [tries, setTries] = useState(0);
  const held = useRef<Store<number>>(undefined);
  held.current ??= createStore(0);
  const state = useRef<State<T>>(undefined);
  if (state.current?.name !== name) {
    const known = remembered.get(name) as T | undefined;
    const data = known ?? state.current?.data ?? null;
    const isOwn = known !== undefined;
    state.current = { name, data, problem: null, isLoading: !isOwn, isStale: false, isOwn };
  }
  // Before the paint: the ledger works meanwhile.
  useLayoutEffect(() => {
    let asking: AbortController | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let cameAt = performance.now();
    const show = (next: Partial<State<T>>): void => {
      state.current = { ...state.current!, ...next };
      again({});
    };
    const retry = (): void => setTries((count) => count + 1);
    let trouble: Trouble | null = null;
    const setTrouble = (problem: Problem | null): void => {
      if (problem === null && trouble === null) return;
      const others = troubles.get().filter((one) => one !== trouble);
      trouble = problem && { problem, retry };
      troubles.set(trouble ? [...others, trouble] : others);
    };
    const load = async (): Promise<void> => {
      clearTimeout(timer);
      asking?.abort();
      if (document.hidden || signedIn.get().state !== "in") return;
      const own = (asking = new AbortController());
      const isFirst = !state.current!.isOwn;
      if (isFirst) pending.set(pending.get() + 1);
      const late = setTimeout(() => !isFirst && show({ isStale: true }), LATE_MS);
      let gaveUp = false;
      const last = setTimeout(() => {
        gaveUp = true;
        own.abort();
      }, GIVE_UP_MS);
      let waitMs = everyMs;
      try {
        const data = await ask(own.signal);
        if (own !== asking || own.signal.aborted) return;
        const { data: before, problem, isStale } = state.current!;
        setTrouble(null);
        if (isFirst || !isSame(before, data)) {
          remembered.set(name, data);
          cameAt = performance.now();
          held.current!.set(0);
          show({ data, problem: null, isLoading: false, isStale: false, isOwn: true });
        } else {
          held.current!.set(performance.now() - cameAt);
          if (problem !== null || isStale) show({ problem: null, isStale: false });
        }
      } catch (error) {
        if (own !== asking || (own.signal.aborted && !gaveUp)) return;
        if (!(error instanceof Refused) && !gaveUp) throw error;
        const problem = error instanceof Refused ? error.problem : SLOW;
        // A session that ended is told by the sign-in form; the question is asked again after it.
        if (problem.status === 401) return;
        const isKept = isPassing(problem) && !isFirst;
        setTrouble(isKept ? problem : null);
        show({
          problem: isKept ? { ...problem, isTold: true } : problem,
          isLoading: false,
          isStale: state.current!.data !== null,
        });
        waitMs = isPassing(problem) ? RETRY_MS : undefined;
      } finally {
        clearTimeout(late);
        clearTimeout(last);
        if (isFirst) pending.set(pending.get() - 1);
      }
      if (own === asking && waitMs !== undefined) timer = setTimeout(() => void load(), waitMs);
    };
    const seen = (): void => {
      if (!document.hidden && (everyMs !== undefined || state.current!.isLoading || state.current!.problem))
        void load();
    };
    const unfollow = signedIn.follow(seen);
    document.addEventListener("visibilitychange", seen);
    for (const way of ["online", "offline"]) addEventListener(way, seen);
    void load();
    return () => {
      asking?.abort();
      asking = undefined;
      clearTimeout(timer);
      setTrouble(null);
      unfollow();
      document.removeEventListener("visibilitychange", seen);
      for (const way of ["online", "offline"]) removeEventListener(way, seen);
    };
    // `ask` is a new function at each call; its question is in the name.
  }, [name, tries, everyMs]);
  const { data, problem, isLoading, isStale } = state.current;
  return { data, problem, isLoading, isStale, held: held.current, retry: () => setTries((count) => count + 1) };
}

// Nothing of one project is shown to the next. A session that ended by itself may go on.
let owner: string | null | undefined;
signedIn.follow(() => {
  const now = signedIn.get();
  if (now.state === "asking" || (now.state === "out" && now.last !== null)) return;
  const next = now.state === "in" ? (now.session.project?.id ?? null) : undefined;
  if (next === owner && next !== undefined) return;
  owner = next;
  remembered.clear();
  received.clear();
});
