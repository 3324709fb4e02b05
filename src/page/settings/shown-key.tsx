/** A key, the one time that it is shown. It is in the state of whoever shows this, and nowhere else. */
import { CopyButton } from "../parts/copy-button.tsx";

interface ShownKeyProps {
  name: string;
  text: string;
  /** What to know besides: until when the one before works. */
  note?: string | undefined;
  onClose: () => void;
}

export function ShownKey({ name, text, note, onClose }: ShownKeyProps) {
  return (
    <section class="message warning settings-shown-key" aria-label="The new key">
      <span class="mark" aria-hidden="true">
        !
      </span>
      <div>
        <h2>
          Copy the key “<bdi>{name}</bdi>” now
        </h2>
        <p>It is not shown again: the ledger keeps only a hash of it. {note}</p>
        <p class="settings-key">
          <code data-new-key>{text}</code> <CopyButton what="the new key" text={text} />
        </p>
        <button type="button" class="quiet" onClick={onClose}>
          I have it
        </button>
      </div>
    </section>
  );
}
