/** A button that opens a panel. Escape, a press elsewhere and leaving it by the keyboard close it. */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import "./controls.css";

interface MenuProps {
  /** On the button. */
  label: ComponentChildren;
  /** What the panel is, for who does not see it. */
  title: string;
  /** @param close shuts the panel, and gives the focus back to the button. */
  children: (close: () => void) => ComponentChildren;
}

export function Menu({ label, title, children }: MenuProps) {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const [isAtEnd, setAtEnd] = useState(false);
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  useEffect(() => {
    if (!isOpen) return;
    box.current!.querySelector<HTMLElement>("[data-first]")?.focus();
    const pressed = (event: Event): void => {
      if (!box.current!.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", pressed);
    return () => document.removeEventListener("pointerdown", pressed);
  }, [isOpen]);
  return (
    <div
      class="control-menu"
      ref={box}
      onKeyDown={(event) => {
        if (event.key === "Escape" && isOpen && !event.defaultPrevented) close();
      }}
      onFocusOut={(event) => {
        const to = event.relatedTarget;
        if (to instanceof Node && !box.current!.contains(to)) setOpen(false);
      }}
    >
      <button
        type="button"
        ref={button}
        class="control-button"
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        onClick={() => {
          // A panel reaches to where there is more room.
          setAtEnd(button.current!.getBoundingClientRect().left > innerWidth / 2);
          setOpen(!isOpen);
        }}
      >
        {label}
        <span class="control-arrow" aria-hidden="true">
          ▾
        </span>
      </button>
      {isOpen && (
        <div class={isAtEnd ? "control-panel end" : "control-panel"} id={id} role="group" aria-label={title}>
          {children(close)}
        </div>
      )}
    </div>
  );
}
