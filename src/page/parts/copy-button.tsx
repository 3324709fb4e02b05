/** Puts a text into the clipboard, and says so. Browsers allow it only on https and on this machine. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

interface CopyButtonProps {
  text: string;
  children: ComponentChildren;
}

export function CopyButton({ text, children }: CopyButtonProps) {
  const [said, setSaid] = useState<{ text: string; sentence: string } | null>(null);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid({ text, sentence: "Copied." });
    } catch {
      setSaid({ text, sentence: "This browser lets no page copy here. Select the text, and copy it by the keyboard." });
    }
  };
  return (
    <>
      <button type="button" class="quiet" onClick={() => void copy()}>
        {children}
      </button>{" "}
      <span role="status" class="muted">
        {said?.text === text && said.sentence}
      </span>
    </>
  );
}
