/** Zones by what is typed. */
import { isZone, offsetAt } from "./zone.ts";

const MOST = 8;

/** The zones whose names have the text in them, those first whose city begins with it. */
export function zonesLike(text: string, known: readonly string[] = Intl.supportedValuesOf("timeZone")): string[] {
  const typed = text.trim();
  const sought = typed.toLowerCase().replaceAll(" ", "_");
  const rank = (zone: string): number => (zone.toLowerCase().split("/").at(-1)!.startsWith(sought) ? 0 : 1);
  const found = known
    .filter((zone) => zone.toLowerCase().includes(sought))
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  // The list has one name of each zone; browsers and the ledger know others, such as Asia/Kathmandu.
  const isOther = typed !== "" && isZone(typed) && !found.some((zone) => zone.toLowerCase() === sought);
  return [...(isOther ? [typed] : []), ...found].slice(0, MOST);
}

/** `UTC+05:45` */
export function offsetText(zone: string, ms: number): string {
  const minutes = offsetAt(zone, ms) / 60_000;
  const two = (count: number): string => String(count).padStart(2, "0");
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? "\u2212" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}
