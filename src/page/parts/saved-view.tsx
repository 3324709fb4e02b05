/** One of the saved views, and what can be done with it. */
import { useState } from "preact/hooks";
import { ledger, read, type Schemas } from "../ledger.ts";
import { type Openable, wrongView } from "../saved.ts";
import { CopyButton } from "./copy-button.tsx";
import { useWrite } from "./write.ts";

interface SavedViewProps {
  view: Schemas["View"];
  way: Openable;
  isHere: boolean;
  mayWrite: boolean;
  onOpen: () => void;
  onChange: () => void;
}

export function SavedView({ view, way, isHere, mayWrite, onOpen, onChange }: SavedViewProps) {
  const [doing, setDoing] = useState<"rename" | "delete" | null>(null);
  const stop = (): void => {
    setDoing(null);
    // The button that had the focus goes.
    document.querySelector<HTMLElement>(".control-panel [data-first]")?.focus();
  };
  const { write, isBusy, refused } = useWrite(onChange);
  // What was typed stays if it is refused.
  const change = async (ask: () => Promise<unknown>): Promise<void> => {
    if (await write(ask)) stop();
  };
  const at = { params: { path: { id: view.id } } };
  return (
    <li>
      <div class="control-view">
        <a
          href={way.href}
          aria-current={isHere ? "page" : undefined}
          onClick={(event) => {
            if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
            event.preventDefault();
            onOpen();
          }}
        >
          <bdi>{view.name}</bdi>
        </a>
        {doing === null && (
          <span class="control-actions">
            <CopyButton text={location.origin + view.path}>
              Share
              <Of name={view.name} />
            </CopyButton>
            {mayWrite && (
              <>
                <button type="button" class="quiet" onClick={() => setDoing("rename")}>
                  Rename
                  <Of name={view.name} />
                </button>
                <button type="button" class="quiet" onClick={() => setDoing("delete")}>
                  Delete
                  <Of name={view.name} />
                </button>
              </>
            )}
          </span>
        )}
      </div>
      {way.leftOut !== null && <small class="muted">{way.leftOut}.</small>}
      {doing === "rename" && (
        <Rename
          name={view.name}
          isBusy={isBusy}
          onCancel={stop}
          onName={(name) =>
            void change(() => read(ledger.PUT("/v1/views/{id}", { ...at, body: { name, path: view.path } })))
          }
        />
      )}
      {doing === "delete" && (
        <p class="control-confirm" role="group" aria-label="Delete it?">
          Delete it for everyone of this project?{" "}
          <button type="button" ref={focus} disabled={isBusy} onClick={() => void change(() => deleted(view.id))}>
            Delete
          </button>{" "}
          <button type="button" class="quiet" onClick={stop}>
            Keep
          </button>
        </p>
      )}
      <p class="control-wrong" role="alert">
        {refused}
      </p>
    </li>
  );
}

interface RenameProps {
  name: string;
  isBusy: boolean;
  onName: (name: string) => void;
  onCancel: () => void;
}

function Rename({ name, isBusy, onName, onCancel }: RenameProps) {
  const [text, setText] = useState(name);
  const [wrong, setWrong] = useState<string | null>(null);
  return (
    <form
      class="control-save"
      onSubmit={(event) => {
        event.preventDefault();
        const problem = wrongView(text.trim(), "");
        setWrong(problem);
        if (problem === null) onName(text.trim());
      }}
    >
      <label>
        New name
        <input value={text} ref={focus} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <button type="submit" disabled={isBusy}>
        Rename
      </button>
      <button type="button" class="quiet" onClick={onCancel}>
        Cancel
      </button>
      <p class="control-wrong" role="alert">
        {wrong}
      </p>
    </form>
  );
}

async function deleted(id: string): Promise<void> {
  const asked = ledger.DELETE("/v1/views/{id}", { params: { path: { id } } });
  await read(asked.then(({ error, response }) => ({ data: response.ok, error, response })));
}

/** Which one a button is of, for who does not see where it stands. */
function Of({ name }: { name: string }) {
  return <span class="control-hidden"> “{name}”</span>;
}

function focus(element: HTMLElement | null): void {
  element?.focus();
}
