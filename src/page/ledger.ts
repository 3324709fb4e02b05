/** Questions to the ledger, typed by its own description. */
import createClient from "openapi-fetch";
import { useEffect, useRef, useState } from "preact/hooks";
import type { components, paths } from "./api.d.ts";
import { isPassing, OFFLINE, type Problem, problemOf } from "./problem.ts";
import { queryString } from "./query-string.ts";
import { chosenProject, endSession, signedIn } from "./session.ts";

export type Schemas = components["schemas"];

export const ledger = createClient<paths>({ baseUrl: location.origin, querySerializer: queryString });

ledger.use({
  onRequest({ request }) {
    const project = chosenProject.get();
    const now = signedIn.get();
    if (now.state === "in" && now.session.is_admin_key && project !== null)
      request.headers.set("X-Project-Id", project);
    return request;
  },
  onResponse({ response }) {
    if (response.status === 401) endSession();
  },
});

export class Refused extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.sentence);
    this.problem = problem;
  }
}

/** The answer. @throws Refused */
export async function read<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await asked.catch((error: unknown) => {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Refused(OFFLINE);
  });
  if (!response.ok || data === undefined) throw new Refused(problemOf(response.status, error));
  return data;
}

export interface Loaded<T> {
  /** The latest answer. It stays while it is asked again, and when that fails. */
  data: T | null;
  problem: Problem | null;
  /** No answer to this question yet: what is shown is of another one, or nothing. */
  isLoading: boolean;
  retry(): void;
}

/** Answers of this visit, so that going back shows at once what was there. */
const remembered = new Map<string, unknown>();
const MOST_REMEMBERED = 100;
const RETRY_MS = 5_000;

/**
 * Asks, and asks again after `everyMs` and when the window is seen again. While it is hidden, nothing is asked.
 *
 * @param question names all that the answer depends on.
 */
export function useAnswer<T>(question: string, ask: (signal: AbortSignal) => Promise<T>, everyMs?: number): Loaded<T> {
  const project = chosenProject.get() ?? "";
  const name = `${project} ${question}`;
  const [, again] = useState<unknown>();
  const [tries, setTries] = useState(0);
  const state = useRef<{ name: string; data: T | null; problem: Problem | null; isLoading: boolean }>(undefined);
  if (state.current?.name !== name) {
    const known = remembered.get(name) as T | undefined;
    state.current = { name, data: known ?? state.current?.data ?? null, problem: null, isLoading: known === undefined };
  }
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = async (): Promise<void> => {
      clearTimeout(timer);
      if (document.hidden) return;
      let waitMs = everyMs;
      try {
        const data = await ask(stop.signal);
        remember(name, data);
        if (stop.signal.aborted) return;
        state.current = { name, data, problem: null, isLoading: false };
      } catch (error) {
        if (stop.signal.aborted) return;
        if (!(error instanceof Refused)) throw error;
        state.current = { ...state.current!, problem: error.problem, isLoading: false };
        waitMs = isPassing(error.problem) ? RETRY_MS : undefined;
      }
      if (stop.signal.aborted) return;
      again({});
      if (waitMs !== undefined) timer = setTimeout(() => void load(), waitMs);
    };
    const seen = (): void => {
      if (!document.hidden && (everyMs !== undefined || state.current!.isLoading)) void load();
    };
    document.addEventListener("visibilitychange", seen);
    addEventListener("online", seen);
    void load();
    return () => {
      stop.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
      removeEventListener("online", seen);
    };
    // `ask` is a new function at each call; its question is in the name.
  }, [name, tries, everyMs]);
  const { data, problem, isLoading } = state.current;
  return { data, problem, isLoading, retry: () => setTries((count) => count + 1) };
}

function remember(name: string, data: unknown): void {
  remembered.delete(name);
  remembered.set(name, data);
  if (remembered.size > MOST_REMEMBERED) remembered.delete(remembered.keys().next().value!);
}

// Nothing of one session is shown in the next.
signedIn.follow(() => {
  if (signedIn.get().state !== "in") remembered.clear();
});
