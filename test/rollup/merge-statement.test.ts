/** The merge as text. `npx vitest run test/rollup/merge-statement -u` writes it anew. */
import { expect, it } from "vitest";
import { MERGE } from "../../src/rollup/merge.ts";
import { textOf } from "../statement-text.ts";

it("merges partial rows in this statement", async () => {
  await expect(textOf(MERGE({}).statement)).toMatchFileSnapshot("merge.sql");
});
