/** The final INSERT as text. `npx vitest run test/write/insert -u` writes it anew. */
import { expect, it } from "vitest";
import { INSERT_CALLS } from "../../src/write/insert.ts";
import { textOf } from "../statement-text.ts";

it("inserts calls and their partials in this statement", async () => {
  await expect(textOf(INSERT_CALLS)).toMatchFileSnapshot("insert.sql");
});
