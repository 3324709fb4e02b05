/** Asks before what cannot be taken back, and names what it does. Escape leaves everything as it is. */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { useWrite } from "../write.ts";

interface ConfirmProps {
  title: string;
  /** What it does. */
  children: ComponentChildren;
  /** On the button that does it. */
  action: string;
  /** Must be typed first. */
  typed?: { label: string; text: string };
  run: () => Promise<void>;
  onClose: () => void;
}

export function Confirm({ title, children, action, typed, run, onClose }: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState("");
  const write = useWrite();
  const id = useId();
  useEffect(() => {
    // Closed by Escape, too, the focus goes back to where it was.
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (await write.run(run)) onClose();
  };
  return (
    <dialog ref={dialog} class="settings-confirm" aria-labelledby={`${id}-title`} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <h2 id={`${id}-title`}>{title}</h2>
        {children}
        {typed && (
          <label class="settings-field">
            {typed.label}
            <input
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
              spellcheck={false}
              autoComplete="off"
            />
          </label>
        )}
        <p class="wrong" role="alert">
          {write.wrong}
        </p>
        <div class="settings-actions">
          <button type="submit" disabled={write.isBusy || (typed !== undefined && text !== typed.text)}>
            {write.isBusy ? "Working …" : action}
          </button>
          <button type="button" class="quiet" onClick={onClose}>
            Leave it as it is
          </button>
        </div>
      </form>
    </dialog>
  );
}
