/** A time of the ledger in the browser's zone; null is a word. */
import { formatTime } from "../figures.ts";
import { ownZone } from "../zone.ts";

export function When({ at, none }: { at: string | null; none: string }) {
  if (at === null) return <span class="muted">{none}</span>;
  return (
    <time class="settings-time" dateTime={at}>
      {formatTime(Date.parse(at), ownZone())}
    </time>
  );
}
