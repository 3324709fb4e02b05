/** What the figures are of: the zone, the unit, and when the ledger last said so. */
import { formatTime } from "../figures.ts";
import { type Store, useStore } from "../store.ts";

interface AsOfProps {
  /** The answer's `as_of`. */
  at: string | undefined;
  zone: string;
  isStale: boolean;
  /** For how long the answer is known to hold. */
  held: Store<number>;
  /** The answer's `to`. If it lies ahead, the figures are not final. */
  to?: string;
  /** The answer's `approximate`. */
  isApproximate?: boolean;
}

export function AsOf({ at, zone, isStale, held, to, isApproximate = false }: AsOfProps) {
  const heldMs = useStore(held);
  if (at === undefined) return <p class="as-of">USD, in {zone}, …</p>;
  const atMs = Date.parse(at) + heldMs;
  const isOpen = to !== undefined && Date.parse(to) > atMs;
  return (
    <p class="as-of">
      USD, in {zone},{" "}
      <time dateTime={new Date(atMs).toISOString()} data-as-of>
        as of {formatTime(atMs, zone)}
      </time>
      {isOpen && <span>; the hour to {formatTime(Date.parse(to), zone).slice(11, 16)} is not over</span>}
      {isApproximate && <span>; the edges are whole hours, because older calls have been deleted</span>}
      {isStale && <strong> (not up to date)</strong>}
    </p>
  );
}
