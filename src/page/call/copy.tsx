/** Copies a text, and says so for a moment. Where the browser refuses, the text is there to be marked by hand. */
import { useEffect, useState } from "preact/hooks";

const SAID_MS = 2_000;

export function Copy({ text, what }: { text: string; what: string }) {
  const [said, setSaid] = useState<string | null>(null);
  useEffect(() => {
    if (said === null) return;
    const timer = setTimeout(() => setSaid(null), SAID_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("Copied");
    } catch {
      setSaid("Not allowed");
    }
  };
  return (
    <button
      type="button"
      class="quiet call-copy"
      aria-label={said === null ? `Copy ${what}` : undefined}
      onClick={() => void copy()}
    >
      <span aria-live="polite">{said ?? "Copy"}</span>
    </button>
  );
}
