/** The merge as text. `npx vitest run test/rollup/merge-statement -u` writes it anew. */
import { expect, it } from "vitest";
import { MERGE_OF } from "../../src/rollup/merging.ts";
import { textOf } from "../statement-text.ts";

it("merges partial rows in this statement", async () => {
  await expect(textOf(MERGE_OF.all({}).statement)).toMatchFileSnapshot("merge.sql");
});
