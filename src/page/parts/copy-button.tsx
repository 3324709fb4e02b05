/** Puts a text into the clipboard, and says so for a moment. Browsers allow it only on https and on this machine. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";

interface CopyButtonProps {
  text: string;
  /** Of what is copied, for who does not see it: `the key`. Left out where the button says it. */
  what?: string;
  children?: ComponentChildren;
}

const SAID_MS = 3_000;

export function CopyButton({ text, what, children = "Copy" }: CopyButtonProps) {
  const [said, setSaid] = useState<string | null>(null);
  useEffect(() => setSaid(null), [text]);
  useEffect(() => {
    if (said === null) return undefined;
    const timer = setTimeout(() => setSaid(null), SAID_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("Copied.");
    } catch {
      setSaid("This browser lets no page copy here. Select the text, and copy it by the keyboard.");
    }
  };
  return (
    <>
      <button
        type="button"
        class="quiet"
        aria-label={what === undefined ? undefined : `Copy ${what}`}
        onClick={() => void copy()}
      >
        {children}
      </button>{" "}
      <span role="status" class="muted">
        {said}
      </span>
    </>
  );
}
