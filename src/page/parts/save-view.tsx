/** Saves this address under a name, in place of the view that has the name if it is so wished. */
import { useRef, useState } from "preact/hooks";
import { ledger, read, type Schemas } from "../ledger.ts";
import { wrongView } from "../saved.ts";
import { useWrite } from "./write.ts";

interface SaveViewProps {
  path: string;
  views: readonly Schemas["View"][];
  onChange: () => void;
}

export function SaveView({ path, views, onChange }: SaveViewProps) {
  const [name, setName] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  const { write, isBusy, refused } = useWrite(onChange);
  const named = views.find((view) => view.name === name.trim());
  // The same request again, after no answer, saves one view.
  const request = useRef({ body: "", key: "" });
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const body = { name: name.trim(), path };
    const problem = wrongView(body.name, path);
    setWrong(problem);
    if (problem !== null) return;
    const text = JSON.stringify(body);
    if (request.current.body !== text) request.current = { body: text, key: randomKey() };
    const done = await write(() =>
      named
        ? read(ledger.PUT("/v1/views/{id}", { params: { path: { id: named.id } }, body }))
        : read(ledger.POST("/v1/views", { params: { header: { "Idempotency-Key": request.current.key } }, body })),
    );
    if (!done) return;
    request.current = { body: "", key: "" };
    setName("");
  };
  return (
    <form class="control-save" onSubmit={(event) => void submit(event)}>
      <label>
        Save this view as
        <input
          value={name}
          data-first
          onInput={(event) => {
            setName(event.currentTarget.value);
            setWrong(null);
          }}
        />
      </label>
      <button type="submit" disabled={isBusy}>
        {isBusy ? "Saving …" : named ? "Replace" : "Save"}
      </button>
      {named && <p class="muted">There is a view of this name. It gets this address in place of its own.</p>}
      <p class="control-wrong" role="alert">
        {wrong ?? refused}
      </p>
    </form>
  );
}

function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
