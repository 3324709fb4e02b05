/** The form that adds a plan. Plans never change, so another price or other people are another plan. */
import { ledger } from "../ledger.ts";
import { readDecimal } from "../prices/decimal.ts";
import { sent, useDraft, useIdempotency, useWrite } from "../write.ts";
import type { Plan } from "./plan-card.tsx";

const EMPTY = { name: "", seat_usd: "", period: "month", from: "", to: "", users: "" };
const FIELDS = [
  ["name", "Name", false],
  ["seat_usd", "USD for a seat", false],
  ["from", "First day (UTC)", true],
  ["to", "Ends before (may be empty)", true],
] as const;

export function NewPlan({ onMade }: { onMade: () => void }) {
  const [draft, setDraft, forget] = useDraft("plan", EMPTY);
  const { isBusy, wrong, run } = useWrite();
  const idempotency = useIdempotency();
  const set = ({ currentTarget: { name, value } }: { currentTarget: { name: string; value: string } }): void =>
    setDraft({ ...draft, [name]: value });
  const seat = readDecimal(draft.seat_usd);
  const add = async (): Promise<void> => {
    const users = draft.users.split("\n").flatMap((user) => user.trim() || []);
    const body = {
      name: draft.name.trim(),
      seat_usd: "decimal" in seat ? seat.decimal : draft.seat_usd,
      period: draft.period as Plan["period"],
      from: draft.from,
      to: draft.to || null,
      users: [...new Set(users)],
    };
    const header = { "Idempotency-Key": idempotency.keyFor(body) };
    await sent(ledger.POST("/v1/plans", { body, params: { header } }));
    idempotency.done();
    forget();
    onMade();
  };
  return (
    <details class="card">
      <summary>Add a plan</summary>
      <form
        class="settings-form"
        onSubmit={(event) => {
          event.preventDefault();
          void run(add);
        }}
      >
        {FIELDS.map(([name, label, isDay]) => {
          const field = { name, value: draft[name], required: name !== "to", onInput: set };
          return (
            <label key={name} class="settings-field">
              {label}
              {isDay ? <input type="date" {...field} /> : <input maxLength={100} {...field} />}
            </label>
          );
        })}
        <label class="settings-field">
          Billed each
          <select name="period" value={draft.period} onChange={set}>
            <option>month</option>
            <option>year</option>
          </select>
        </label>
        <label class="settings-field">
          People, as calls name their user, one a line
          <textarea name="users" rows={4} value={draft.users} required onInput={set} />
        </label>
        <button type="submit" disabled={isBusy}>
          {isBusy ? "Adding it …" : "Add the plan"}
        </button>
        <p class="wrong agents-wrong" role="alert">
          {wrong ?? ("wrong" in seat ? seat.wrong : null)}
        </p>
      </form>
    </details>
  );
}
