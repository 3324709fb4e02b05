/** The zone in which days begin: this browser's own, UTC, or any other by its name. */
import { useState } from "preact/hooks";
import { isZone, ownZone } from "../zone.ts";
import { offsetText, zonesLike } from "../zone-names.ts";
import { Combobox } from "./combobox.tsx";

interface ZoneChoiceProps {
  zone: string;
  /** Null: of each one who looks. */
  isOwn: boolean;
  onChoose: (zone: string | null) => void;
  nowMs: number;
}

export function ZoneChoice({ zone, isOwn, onChoose, nowMs }: ZoneChoiceProps) {
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  const choose = (name: string): void => {
    if (!isZone(name)) {
      const like = zonesLike(name)[0];
      return setWrong(
        `There is no time zone “${name}”. ${like ? `Did you mean ${like}?` : "Type a city, such as Berlin."}`,
      );
    }
    setText("");
    setWrong(null);
    onChoose(name);
  };
  const choices = text.trim() === "" ? [] : zonesLike(text);
  return (
    <fieldset class="control-zone">
      <legend>Days begin as in</legend>
      <div class="choice">
        <button type="button" aria-pressed={isOwn} onClick={() => onChoose(null)}>
          Your zone ({ownZone()})
        </button>
        <button type="button" aria-pressed={!isOwn && zone === "UTC"} onClick={() => onChoose("UTC")}>
          UTC
        </button>
        {!isOwn && zone !== "UTC" && (
          <button type="button" aria-pressed>
            {zone}
          </button>
        )}
      </div>
      <Combobox
        label="Another zone"
        text={text}
        onText={(next) => {
          setText(next);
          setWrong(null);
        }}
        choices={choices.map((name) => ({
          value: name,
          content: (
            <>
              <span>{name}</span> <span class="muted">{offsetText(name, nowMs)}</span>
            </>
          ),
        }))}
        onChoose={choose}
        onTyped={(typed) => typed.trim() !== "" && choose(typed.trim())}
        wrong={wrong}
      />
    </fieldset>
  );
}
