/**
 * A field that suggests, by the ARIA pattern of a combobox with a list: the arrow keys move through the suggestions
 * while the focus stays in the field, Enter takes the one that is marked or else what is typed, Escape hides them.
 */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

export interface Choice {
  value: string;
  content: ComponentChildren;
}

interface ComboboxProps {
  label: string;
  text: string;
  onText: (text: string) => void;
  choices: readonly Choice[];
  onChoose: (value: string) => void;
  /** Enter while no suggestion is marked. */
  onTyped: (text: string) => void;
  isBusy?: boolean;
  /** What is wrong with the text. */
  wrong?: string | null;
}

const STEPS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 };

export function Combobox({ label, text, onText, choices, onChoose, onTyped, isBusy, wrong }: ComboboxProps) {
  const id = useId();
  const list = useRef<HTMLUListElement>(null);
  const [marked, setMarked] = useState<string | null>(null);
  const [isHidden, setHidden] = useState(false);
  const place = choices.findIndex(({ value }) => value === marked);
  const isShown = !isHidden && choices.length > 0;
  useEffect(() => {
    if (isShown && place >= 0) list.current?.children[place]?.scrollIntoView({ block: "nearest" });
  }, [isShown, place]);
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = STEPS[event.key];
    if (event.isComposing || (step === undefined && event.key !== "Enter" && event.key !== "Escape")) return;
    if (event.key === "Escape" && !isShown) return;
    event.preventDefault();
    if (step !== undefined) {
      setHidden(false);
      const next = place < 0 && step < 0 ? choices.length - 1 : (place + step + choices.length) % choices.length;
      setMarked(choices[next]?.value ?? null);
    } else if (event.key === "Escape") setHidden(true);
    else if (isShown && place >= 0) onChoose(marked!);
    else onTyped(text);
  };
  return (
    <div class="control-combobox">
      <label for={`${id}-field`}>{label}</label>
      <input
        id={`${id}-field`}
        role="combobox"
        aria-autocomplete="list"
        aria-expanded={isShown}
        aria-controls={isShown ? `${id}-list` : undefined}
        aria-activedescendant={isShown && place >= 0 ? `${id}-${place}` : undefined}
        aria-busy={isBusy}
        aria-invalid={Boolean(wrong)}
        aria-describedby={`${id}-wrong`}
        autoComplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => {
          setHidden(false);
          setMarked(null);
          onText(event.currentTarget.value);
        }}
        onKeyDown={onKeyDown}
      />
      <p id={`${id}-wrong`} class="control-wrong" role="alert">
        {wrong}
      </p>
      {isShown && (
        // Pressing on a suggestion leaves the focus in the field.
        <ul
          ref={list}
          id={`${id}-list`}
          role="listbox"
          aria-label="Suggestions"
          onPointerDown={(e) => e.preventDefault()}
        >
          {choices.map(({ value, content }, at) => (
            <li
              key={value}
              id={`${id}-${at}`}
              role="option"
              aria-selected={at === place}
              onClick={() => onChoose(value)}
            >
              {content}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
