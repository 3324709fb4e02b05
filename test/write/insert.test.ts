/** The final INSERT as text. `npx vitest run test/write/insert -u` writes it anew. */
import { expect, it } from "vitest";
import { INSERT_CALLS } from "../../src/write/insert.ts";
import { textOf } from "../statement-text.ts";

it("inserts calls and their partials in this statement", async () => {
  await expect(textOf(INSERT_CALLS)).toMatchFileSnapshot("insert.sql");
});

it("is first tried without looking calls up", () => {
  const { definition } = INSERT_CALLS.routine!;
  expect(definition.match(/insert into traces/g)).toHaveLength(2);
  expect(definition.match(/on conflict do nothing\n {2}returning id/g)).toHaveLength(1);
});
