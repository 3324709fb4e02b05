/** Changes that the page asks of the ledger: what went wrong in words, and the same request where it is sent again. */
import { useRef, useState } from "preact/hooks";
import { Refused } from "./ledger.ts";
import { OFFLINE, type Problem, problemOf } from "./problem.ts";
import { createStore, useStore } from "./store.ts";
import { signedIn } from "./session.ts";

interface Asked<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Also for answers without a body. @throws Refused */
export async function sent<T>(asked: Promise<Asked<T>>): Promise<T> {
  const { data, error, response } = await asked.catch(() => {
    throw new Refused(OFFLINE);
  });
  if (!response.ok) throw new Refused(problemOf(response.status, error));
  return data as T;
}

/** Of a change that failed. Questions are asked again by themselves; a change is not. */
export function writeSentence({ status, code, sentence }: Problem): string {
  if (status === 0) return "The ledger cannot be reached. What you entered is still here; try again.";
  if (status === 429) return "The key has asked too often. What you entered is still here; try again in a minute.";
  if (status === 503) return "The database does not answer right now. What you entered is still here; try again.";
  if (status === 404) return "This is not there any more. Load the page again to see what is.";
  if (code === "key_already_created")
    return "An earlier try made this key, but its answer did not arrive, and nothing shows the key again. Revoke it in the list, and make another.";
  if (code === "key_inactive") return "This key is revoked, expired or replaced already, so it cannot be rotated.";
  return sentence;
}

export interface Write {
  isBusy: boolean;
  wrong: string | null;
  /** Does nothing while an earlier one is on its way. @returns whether it worked. */
  run(work: () => Promise<void>): Promise<boolean>;
}

export function useWrite(): Write {
  const [isBusy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const busy = useRef(false);
  return {
    isBusy,
    wrong,
    async run(work) {
      if (busy.current) return false;
      busy.current = true;
      setBusy(true);
      setWrong(null);
      try {
        await work();
        return true;
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        setWrong(writeSentence(error.problem));
        return false;
      } finally {
        busy.current = false;
        setBusy(false);
      }
    },
  };
}

/**
 * An `Idempotency-Key` for each change: the same one as long as the same content is sent, so that a try after no answer
 * creates nothing twice.
 */
export function useIdempotency(): { keyFor(content: unknown): string; done(): void } {
  const last = useRef<{ content: string; key: string } | null>(null);
  return {
    keyFor(content) {
      const text = JSON.stringify(content);
      if (last.current?.content !== text) last.current = { content: text, key: crypto.randomUUID() };
      return last.current.key;
    },
    done: () => void (last.current = null),
  };
}

/** What is typed into forms stays when the session ends in the middle. It is gone once it was sent, or with the page. */
const drafts = createStore<Readonly<Record<string, unknown>>>({});

export function useDraft<T>(name: string, empty: T): [T, (value: T) => void, () => void] {
  const { [name]: draft = empty, ...others } = useStore(drafts);
  return [draft as T, (value) => drafts.set({ ...drafts.get(), [name]: value }), () => drafts.set(others)];
}

// Somebody who signs out leaves nothing to the next one.
signedIn.follow(() => {
  const now = signedIn.get();
  if (now.state === "out" && now.last === null) drafts.set({});
});
