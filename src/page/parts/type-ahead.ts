/** Values of a field that have the typed text in them. Typing on cancels the question before. */
import { useEffect, useState } from "preact/hooks";
import { ledger, read, Refused, type Schemas } from "../ledger.ts";
import type { Problem } from "../problem.ts";
import type { valuesQuery } from "../values.ts";

type Values = Schemas["FieldValue"][];

interface TypeAhead {
  values: Values;
  /** What is shown is of an earlier text. */
  isBusy: boolean;
  problem: Problem | null;
  retry: () => void;
}

/** A pause in typing. */
const PAUSE_MS = 150;

export function useTypeAhead(query: ReturnType<typeof valuesQuery>): TypeAhead {
  const question = JSON.stringify(query);
  const [tries, setTries] = useState(0);
  const [answer, setAnswer] = useState<{ question: string; values: Values; problem: Problem | null }>();
  useEffect(() => {
    const stop = new AbortController();
    const ask = async (): Promise<void> => {
      try {
        const { values } = await read(ledger.GET("/v1/values", { params: { query }, signal: stop.signal }));
        if (!stop.signal.aborted) setAnswer({ question, values, problem: null });
      } catch (error) {
        if (stop.signal.aborted) return;
        if (!(error instanceof Refused)) throw error;
        setAnswer({ question, values: [], problem: error.problem });
      }
    };
    const timer = setTimeout(() => void ask(), query.prefix === undefined ? 0 : PAUSE_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
    // The question has all of the query.
  }, [question, tries]);
  return {
    values: answer?.values ?? [],
    isBusy: answer?.question !== question,
    problem: answer?.question === question ? answer.problem : null,
    retry: () => setTries((count) => count + 1),
  };
}
