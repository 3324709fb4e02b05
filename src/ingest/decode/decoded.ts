/** The result of decoding a body, in every form. */
import { z } from "zod";
import type { Link, Call } from "../../ledger/call.ts";
import { count } from "../../wire.ts";

/** Why one item of a batch was refused, or conflicts with a stored call. The other items are not affected. */
export const ItemError = z
  .object({
    index: count.describe("The position of the item, from 0."),
    code: z
      .enum(["invalid", "timestamp_range", "too_deep", "conflict"])
      .describe(
        "`too_deep`: the item nests deeper than 32 levels. `conflict`: the call is already stored with other content. The stored call stays, and this item counts as a duplicate.",
      ),
    message: z.string(),
  })
  .meta({ id: "ItemError" });
export type ItemError = z.infer<typeof ItemError>;

/** The calls and errors of a body. Items are counted as the client sent them. */
export interface Decoded {
  items: number;
  calls: Call[];
  /** The position of each call among the items. */
  indexes: number[];
  errors: ItemError[];
  /** The spans between and around the calls. */
  links?: readonly Link[];
}
