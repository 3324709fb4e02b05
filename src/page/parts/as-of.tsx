/** What the figures are of: the zone, the unit, and when the ledger said so. */
import { formatTime } from "../figures.ts";

export function AsOf({ at, zone, isStale }: { at: string | undefined; zone: string; isStale: boolean }) {
  return (
    <p class="as-of">
      USD, in {zone}, {at === undefined ? "…" : <time dateTime={at}>as of {formatTime(Date.parse(at), zone)}</time>}
      {isStale && <strong> (not up to date)</strong>}
    </p>
  );
}
