/** Copies a text. Where the browser refuses that, it says how to do it by hand. */
import { useEffect, useState } from "preact/hooks";

interface CopyButtonProps {
  /** Of what is copied, for who does not see it: `the key`. */
  what: string;
  text: string;
}

const SAID_MS = 3_000;

export function CopyButton({ what, text }: CopyButtonProps) {
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
      setSaid("Copied");
    } catch {
      setSaid("Select it, and copy it by hand");
    }
  };
  return (
    <span>
      <span role="status">{said}</span>{" "}
      <button type="button" class="quiet" aria-label={`Copy ${what}`} onClick={() => void copy()}>
        Copy
      </button>
    </span>
  );
}
