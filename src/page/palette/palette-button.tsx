/** Opens the command palette: by a press, by Ctrl K or ⌘ K, and `?` for the list of shortcuts. */
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type PageSession, signedIn } from "../session.ts";
import { useStore } from "../store.ts";
import type { PaletteProps } from "./palette.tsx";

const IS_MAC = /Mac|iP/.test(navigator.platform);
let loaded: ComponentType<PaletteProps> | undefined;

export function PaletteButton({ session }: { session: PageSession }) {
  const [shown, setShown] = useState<PaletteProps["shown"]>(null);
  const [isLost, setLost] = useState(false);
  // A view whose session ended waits below the sign-in form, and so does its palette.
  const isIn = useStore(signedIn).state === "in";
  const open = async (what: NonNullable<PaletteProps["shown"]>["what"]): Promise<void> => {
    try {
      loaded ??= (await import("./palette.tsx")).default;
      setShown({ what });
      setLost(false);
    } catch {
      setLost(true);
    }
  };
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (signedIn.get().state !== "in") return;
      const isK =
        event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
      if (!isK && (event.key !== "?" || isTyping(event.target) || event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      void open(isK ? "commands" : "shortcuts");
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
  const Loaded = loaded;
  return (
    <>
      <button
        type="button"
        class="quiet"
        aria-keyshortcuts={IS_MAC ? "Meta+K" : "Control+K"}
        title={`${IS_MAC ? "\u2318" : "Ctrl"} K`}
        onClick={() => void open("commands")}
      >
        {isLost ? "Go to: not loaded" : "Go to"}
      </button>
      {Loaded && <Loaded session={session} shown={isIn ? shown : null} close={() => setShown(null)} />}
    </>
  );
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}
