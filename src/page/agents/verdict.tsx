/** Says of a pair that it is one call, or two. What changes a sum is asked before, and all of it can be taken back. */
import { useState } from "preact/hooks";
import { ledger } from "../ledger.ts";
import { Money } from "../parts/money.tsx";
import { sent, useWrite } from "../write.ts";
import { type Decision, decisions, goneOf, keyOf, type Pair } from "./decisions.ts";

export interface VerdictProps {
  pair: Pair;
  project: string;
  decision: Decision | undefined;
  mayDecide: boolean;
}

export function Verdict({ pair, project, decision, mayDecide }: VerdictProps) {
  const [isAsking, setAsking] = useState(false);
  const [isTold, setTold] = useState(false);
  const { isBusy, wrong, run } = useWrite();
  const decide = async (verdict: Decision["verdict"]): Promise<void> => {
    const ids = pair.calls.map(({ id }) => id);
    const { counted } = await sent(ledger.POST("/v1/doubles", { body: { ids, verdict } }));
    decisions.set({ ...decisions.get(), [keyOf(pair)]: { pair, verdict, counted, project } });
    setAsking(false);
    setTold(true);
  };
  const button = (verdict: Decision["verdict"], text: string, isFirst = false) => (
    <button
      key={text}
      type="button"
      ref={isFirst ? focus : null}
      disabled={isBusy}
      onClick={() => void run(() => decide(verdict))}
    >
      {text}
    </button>
  );
  const costs = [...new Set(pair.calls.map(({ cost_usd: cost }) => cost))];
  const either = costs.map((usd, i) => (
    <span key={usd}>
      {i > 0 && " or "}
      <Money usd={usd} />
    </span>
  ));
  return (
    <>
      <p key={decision?.verdict} tabIndex={-1} ref={isTold ? focus : null} role="status">
        {decision === undefined ? (
          <>Both count. What leaves every total if they are one call: {either}.</>
        ) : decision.verdict === "same" ? (
          <>
            They are one call. What has left every total: <Money usd={goneOf(decision)} />.
          </>
        ) : (
          "They are different calls: both count."
        )}
      </p>
      {mayDecide && (
        <div class="choice">
          {isAsking ? (
            <>
              <span>One of them stops counting, on past days, too. You can take it back here.</span>
              {button("same", "They are one call", true)}
              <button type="button" class="quiet" onClick={() => setAsking(false)}>
                Cancel
              </button>
            </>
          ) : (
            <>
              {decision?.verdict !== "same" && (
                <button type="button" onClick={() => setAsking(true)}>
                  Same …
                </button>
              )}
              {decision?.verdict !== "different" && button("different", "Different")}
            </>
          )}
        </div>
      )}
      <p class="agents-wrong" role="alert">
        {wrong}
      </p>
    </>
  );
}

function focus(element: HTMLElement | null): void {
  element?.focus();
}
