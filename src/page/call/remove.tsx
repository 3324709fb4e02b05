/** Deleting a wrong call. The question names what happens before it does. */
import { useRef, useState } from "preact/hooks";
import { formatTime } from "../figures.ts";
import { ledger } from "../ledger.ts";
import { formatExactly } from "../money.ts";
import { OFFLINE, type Problem, problemOf } from "../problem.ts";
import type { Call } from "./call.ts";

export function Remove({ call, zone, onGone }: { call: Call; zone: string; onGone: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const remove = async (): Promise<void> => {
    setBusy(true);
    const wrong = await deleteCall(call.id);
    setBusy(false);
    setProblem(wrong);
    if (wrong !== null) return;
    dialog.current?.close();
    onGone();
  };
  return (
    <>
      <button type="button" class="quiet call-remove" onClick={() => dialog.current?.showModal()}>
        Delete this call …
      </button>
      <dialog ref={dialog} class="call-dialog" aria-labelledby="call-remove-title">
        <h2 id="call-remove-title">Delete this call?</h2>
        <p>
          The call of <bdi>{call.model}</bdi> by <bdi>{call.application}</bdi> at{" "}
          {formatTime(Date.parse(call.timestamp), zone)} leaves the ledger. {whatChanges(call)}
        </p>
        <p>
          Another report of the same response, or a span around the call, may count then instead. Nobody can undo this.
          If the call is sent again, it is stored again.
        </p>
        {problem !== null && (
          <p class="call-wrong" role="alert">
            {problem.sentence}
          </p>
        )}
        <div class="choice">
          <button type="button" autoFocus onClick={() => dialog.current?.close()}>
            Keep it
          </button>
          <button type="button" class="call-danger" disabled={busy} onClick={() => void remove()}>
            {busy ? "Deleting …" : "Delete the call"}
          </button>
        </div>
      </dialog>
    </>
  );
}

function whatChanges({ billable, cost_usd: cost }: Call): string {
  if (!billable) return "It is in no sum, so no cost changes by itself.";
  if (cost === null) return "Every sum with it has one unpriced call less.";
  return `Its ${formatExactly(cost)} leave every sum, past days included.`;
}

/** @returns why not; null if it is gone. A call that is gone already is gone. */
async function deleteCall(id: string): Promise<Problem | null> {
  try {
    const { response, error } = await ledger.DELETE("/v1/traces/{id}", { params: { path: { id } } });
    return response.ok || response.status === 404 ? null : problemOf(response.status, error);
  } catch {
    return OFFLINE;
  }
}
