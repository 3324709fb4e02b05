/** The form that makes a key of the chosen project. */
import type { components } from "../api.d.ts";
import { ledger } from "../ledger.ts";
import { sent, useDraft, useIdempotency, useWrite } from "../write.ts";

type Scope = components["schemas"]["ApiKey"]["scopes"][number];

const SCOPES: readonly { scope: Scope; means: string }[] = [
  { scope: "ingest", means: "sends calls" },
  { scope: "read", means: "sees calls and costs" },
  { scope: "admin", means: "also changes prices, and deletes" },
];
const LIVES: readonly { days: number; title: string }[] = [
  { days: 0, title: "never" },
  { days: 30, title: "in 30 days" },
  { days: 90, title: "in 90 days" },
  { days: 365, title: "in a year" },
];
const DAY_MS = 86_400_000;

interface Draft {
  name: string;
  scopes: readonly Scope[];
  days: number;
}

interface NewKeyProps {
  projectId: string;
  onMade: (made: { name: string; text: string }) => void;
}

export function NewKey({ projectId, onMade }: NewKeyProps) {
  const [draft, setDraft, forget] = useDraft<Draft>("key", { name: "", scopes: ["ingest", "read"], days: 0 });
  const { isBusy, wrong, run } = useWrite();
  const idempotency = useIdempotency();
  const { name, scopes, days } = draft;
  const make = async (): Promise<void> => {
    const content = { project_id: projectId, name: name.trim(), scopes: [...scopes] };
    // The same day for a try after no answer: it must be the same request.
    const until = days === 0 ? {} : { expires_at: (Math.ceil(Date.now() / DAY_MS) + days) * DAY_MS };
    const body = { ...content, ...until };
    const header = { "Idempotency-Key": idempotency.keyFor(body) };
    const made = await sent(ledger.POST("/v1/keys", { body, params: { header } }));
    idempotency.done();
    forget();
    onMade({ name: made.name, text: made.key });
  };
  return (
    <form
      class="settings-form"
      onSubmit={(event) => {
        event.preventDefault();
        void run(make);
      }}
    >
      <label class="settings-field">
        Name of a new key
        <input
          value={name}
          maxLength={200}
          required
          onInput={(event) => setDraft({ ...draft, name: event.currentTarget.value })}
        />
      </label>
      <fieldset class="settings-scopes">
        <legend>Scopes</legend>
        {SCOPES.map(({ scope, means }) => (
          <label key={scope}>
            <input
              type="checkbox"
              checked={scopes.includes(scope)}
              onChange={({ currentTarget }) =>
                setDraft({
                  ...draft,
                  scopes: currentTarget.checked ? [...scopes, scope] : scopes.filter((other) => other !== scope),
                })
              }
            />{" "}
            {scope} <span class="muted">{means}</span>
          </label>
        ))}
      </fieldset>
      <label class="settings-field">
        Expires
        <select
          value={String(days)}
          onChange={(event) => setDraft({ ...draft, days: Number(event.currentTarget.value) })}
        >
          {LIVES.map(({ days, title }) => (
            <option key={days} value={String(days)}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <button type="submit" disabled={isBusy || name.trim() === "" || scopes.length === 0}>
        {isBusy ? "Making it …" : "Make a key"}
      </button>
      <p class="wrong" role="alert">
        {wrong}
      </p>
    </form>
  );
}
