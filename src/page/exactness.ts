/** How a cost compares with the true one, in words. The sign tells it as well, and never a colour alone. */
import type { components } from "./api.d.ts";

type CostIs = NonNullable<components["schemas"]["Trace"]["cost_is"]>;

export interface Exactness {
  /** Beside the amount. */
  sign: string;
  title: string;
  sentence: string;
}

const INEXACT: Readonly<Record<Exclude<CostIs, "exact">, Exactness>> = {
  lower_bound: {
    sign: "\u2265",
    title: "A lower bound",
    sentence: "What sent the call leaves out something that costs. The true cost is this or more.",
  },
  upper_bound: {
    sign: "\u2264",
    title: "An upper bound",
    sentence: "What sent the call leaves out something that makes it cheaper. The true cost is this or less.",
  },
  estimate: {
    sign: "\u2248",
    title: "An estimate",
    sentence: "What sent the call leaves out or estimates something that is priced. The true cost may be more or less.",
  },
};

/** Null if the cost is exact, or none, or if it is not known how exact it is. */
export function exactnessOf({ cost_is: costIs }: { cost_is: CostIs | null }): Exactness | null {
  return costIs === null || costIs === "exact" ? null : INEXACT[costIs];
}
