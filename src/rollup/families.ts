/**
 * The column `label` of a rollup row holds its family. The rows of one family add up to all calls that the family is
 * about, and a question reads one family.
 *
 * - `MAIN` counts every call once, by all dimensions.
 * - A grouping set counts every call once, by some dimensions. Its family is `(application)`, `(provider,model)` and so
 *   on.
 * - The family of a label, `user` or `tag.<key>`, counts each call that has the label, by its `value`.
 * - `UNSPREAD` holds partial rows that stand for all labels of one call.
 */
import type { Dimension } from "../ledger/measures.ts";

export const MAIN = "";

/**
 * Coarser main rows let common questions read a tenth of the rows or fewer. All but partial rows come in sets; merging
 * makes them. The set with the fewest rows comes first. Weeks have main rows and sets only, because a user may have
 * almost as many rows in a week as in its days.
 */
const SETS: readonly (readonly Dimension[])[] = [["environment", "operation"], ["application"], ["provider", "model"]];

const familyOfSet = (set: readonly Dimension[]): string => `(${set.join()})`;

/** The dimensions that a grouping set's rows tell apart, by family. The other dimensions are `''` in them. */
export const GROUPING_SETS: ReadonlyMap<string, readonly Dimension[]> = new Map(
  SETS.map((set) => [familyOfSet(set), set]),
);

/** The families that count every call once. */
export const MAIN_FAMILIES: readonly string[] = [MAIN, ...GROUPING_SETS.keys()];

/** The family that counts every call once, tells these dimensions apart and has the fewest rows. */
export function mainFamilyWith(dimensions: readonly Dimension[]): string {
  const set = SETS.find((set) => dimensions.every((name) => set.includes(name)));
  return set ? familyOfSet(set) : MAIN;
}

/**
 * A write adds one unspread row per call instead of one row per label, which halves its cost. The row carries the
 * call's user and tags, and readers and merges spread it over them.
 */
export const UNSPREAD = "*";

/** The value of all calls whose value of a label is not told apart because there are too many. */
export const OTHER = "(other)";
/** The value of all calls that have a tag which is not rolled up, because they have more tags than that. */
export const NOT_ROLLED_UP = "(not rolled up)";
/** About how many values of a label are told apart on one day. */
export const MOST_LABEL_VALUES = 10_000;
