/** Says of a pair that it is one call, or two. What changes a sum is asked before, and all of it can be taken back. */
import { useState } from "preact/hooks";
import { ledger } from "../ledger.ts";
import { picoOf, usdOf } from "../money.ts";
import { Money } from "../parts/money.tsx";
import { sent, useWrite } from "../write.ts";
import type { Pair } from "./pair.tsx";

interface VerdictProps {
  pair: Pair;
  mayDecide: boolean;
  onSaid: (pair: Pair) => void;
}

type Said = NonNullable<Pair["verdict"]>;

export function Verdict({ pair, mayDecide, onSaid }: VerdictProps) {
  const [isAsking, setAsking] = useState(false);
  const [isTold, setTold] = useState(false);
  const { isBusy, wrong, run } = useWrite();
  const decide = async (said: Said): Promise<void> => {
    const asked = ledger.POST("/v1/doubles/{id}", { params: { path: { id: pair.id } }, body: { verdict: said } });
    const { verdict, counted } = await sent(asked);
    setAsking(false);
    setTold(true);
    onSaid({ ...pair, verdict, calls: pair.calls.map((call) => ({ ...call, counts: counted.includes(call.id) })) });
  };
  const button = (verdict: Said, text: string, isFirst = false) => (
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
      <p key={pair.verdict} tabIndex={-1} ref={isTold ? focus : null} role="status">
        {pair.verdict === null ? (
          <>Both count. What leaves every total if they are one call: {either}.</>
        ) : pair.verdict === "same" ? (
          <>
            They are one call. What has left every total: <Money usd={goneOf(pair)} />.
          </>
        ) : (
          "They are different calls."
        )}
      </p>
      {mayDecide && (
        <div class="choice">
          {isAsking ? (
            <>
              <span>One of them stops counting, also in sums of past days. You can take it back.</span>
              {button("same", "They are one call", true)}
              <button type="button" class="quiet" onClick={() => setAsking(false)}>
                Cancel
              </button>
            </>
          ) : (
            <>
              {pair.verdict !== "same" && (
                <button type="button" onClick={() => setAsking(true)}>
                  Same …
                </button>
              )}
              {pair.verdict !== "different" && button("different", "Different")}
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

/** Null is unknown. */
function goneOf({ calls }: Pair): string | null {
  const gone = calls.filter(({ counts }) => !counts).map(({ cost_usd: cost }) => cost);
  return gone.includes(null) ? null : usdOf(gone.reduce((sum, cost) => sum + picoOf(cost!), 0n));
}

function focus(element: HTMLElement | null): void {
  element?.focus();
}
