/** Two periods, as the API and the address of `/why` have them. */
import { addressOf } from "./route.ts";
import { iso, type Periods } from "./zone.ts";

export interface AskedPeriods {
  from: string;
  to: string;
  tz: string;
  /** Without both, the API takes the period before. */
  compare_from?: string;
  compare_to?: string;
}

export function askedPeriods({ from, to, compareFrom, compareTo }: Periods, zone: string): Required<AskedPeriods> {
  return { from: iso(from), to: iso(to), tz: zone, compare_from: iso(compareFrom), compare_to: iso(compareTo) };
}

/** The address of why two periods differ. */
export function whyOf(asked: AskedPeriods, more: Readonly<Record<string, string>> = {}): string {
  return addressOf("why", { ...asked, ...more });
}
