/** What came while the list was read: said politely, and shown when asked for. */
import { useRef } from "preact/hooks";
import { navigate } from "../address.ts";
import { formatCount } from "../figures.ts";
import { PATHS } from "../route.ts";
import { addressWith, without } from "./question.ts";

interface LiveSwitchProps {
  query: URLSearchParams;
  follows: boolean;
  /** The range is over, so nothing new comes. */
  ended: boolean;
}

export function LiveSwitch({ query, follows, ended }: LiveSwitchProps) {
  const turn = (): void => {
    const next = without(query, "live");
    if (!follows) next.set("live", "1");
    navigate(addressWith(PATHS.calls, next));
  };
  return (
    <button
      type="button"
      role="switch"
      class="quiet calls-switch"
      aria-checked={follows}
      disabled={ended}
      title={ended ? "The range is over, so nothing new comes" : "Shows new calls as they come"}
      onClick={turn}
    >
      <span class="calls-light" aria-hidden="true" /> Live
    </button>
  );
}

interface LiveNewsProps {
  arrived: number;
  waiting: number;
  reveal: () => void;
}

export function LiveNews({ arrived, waiting, reveal }: LiveNewsProps) {
  const said = useRef<HTMLParagraphElement>(null);
  const show = (): void => {
    reveal();
    // The button goes away. Its focus must not fall back to the start of the page, nor into the list that would wait.
    said.current?.focus();
    said.current?.scrollIntoView({ block: "nearest" });
  };
  return (
    <>
      <p class="calls-news muted" role="status" tabIndex={-1} ref={said}>
        {arrived === 0 ? "New calls show here as they come." : `${calls(arrived)} came while this list was open.`}
      </p>
      {waiting > 0 && (
        <div class="calls-waiting">
          <button type="button" onClick={show}>
            Show {formatCount(waiting)} new {waiting === 1 ? "call" : "calls"}
          </button>
        </div>
      )}
    </>
  );
}

function calls(count: number): string {
  return `${formatCount(count)} new ${count === 1 ? "call" : "calls"}`;
}
