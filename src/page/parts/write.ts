/** Changes that a control makes, one at a time, and why one was refused. */
import { useState } from "preact/hooks";
import { Refused } from "../ledger.ts";
import type { Problem } from "../problem.ts";

/** @param onChange is called after each change, and after a refusal that tells of somebody else's. */
export function useWrite(onChange: () => void) {
  const [isBusy, setBusy] = useState(false);
  const [refused, setRefused] = useState<string | null>(null);
  /** @returns did it work? */
  const write = async (ask: () => Promise<unknown>): Promise<boolean> => {
    setBusy(true);
    setRefused(null);
    try {
      await ask();
      onChange();
      return true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setRefused(sentenceOf(error.problem));
      if (error.problem.status === 404 || error.problem.status === 409) onChange();
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { write, isBusy, refused };
}

const SENTENCES: Readonly<Record<string, string>> = {
  view_name_taken: "Another view has this name. Choose another name, or replace that one.",
  too_many_views: "The project has as many saved views as it may have. Delete one first.",
  not_found: "Somebody has deleted this view meanwhile.",
  offline: "The ledger cannot be reached, so it is not known whether this is saved. Try again; it is done once.",
};

function sentenceOf({ code, sentence }: Problem): string {
  return SENTENCES[code] ?? sentence;
}
