/** Statements are rendered as Drizzle compiles them. */
import { type SQL, sql as drizzle } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import { describe, expect, it } from "vitest";
import { asText, render } from "../../src/db/render.ts";
import { sql } from "../../src/db/sql.ts";

function statementsWith(sql: typeof drizzle): Record<string, SQL> {
  const one = sql`one`;
  const nested = sql`select ${1}, ${sql`${"two"} and ${sql.identifier('od"d')}`}`;
  return {
    "text alone": sql`select 1`,
    "no text at all": sql``,
    "values of all kinds": sql`select ${1}, ${"it's"}, ${null}, ${true}, ${2n}, ${undefined}, ${-0.5}`,
    "values alone": sql`${1}${"x"}`,
    "parts within parts": sql`with a as (${nested}) ${sql.join([one, nested], sql`, `)} where ${"x"}`,
    "parts without a separator": sql`${sql.join([one, sql`${"x"}`, one])} ${sql.join([])}`,
    "values that are written out": sql`select ${sql`${"it's"}, ${1}, ${null}, ${sql`${false}`}`.inlineParams()}, ${"sent"}`,
    placeholders: sql`select ${sql.placeholder("a")}, ${sql`${sql.placeholder("a")} ${"x"}`.inlineParams()}`,
    "a list, which is left to Drizzle": sql`select ${1} in ${[1, 2]}, ${"x"}`,
    "a parameter with an encoder, which is left to Drizzle": sql`select ${sql.param("x")}, ${2}`,
  };
}

const STATEMENTS = statementsWith(drizzle);
const OWN = statementsWith(sql);

it.each(Object.entries(STATEMENTS))("%s", (name, statement) => {
  const { sql: text, params: values } = new PgDialect().sqlToQuery(statement);
  expect(render(statement)).toEqual({ text, values });
  expect(render(OWN[name]!)).toEqual({ text, values });
});

describe("a part as text", () => {
  it("is what the part would be", () => {
    const part = sql`coalesce(${sql.identifier("a")}, ${"x"})`.inlineParams();
    expect(render(sql`select ${asText(part)}, ${1}`)).toEqual(render(sql`select ${part}, ${1}`));
  });

  it("has no values", () => {
    expect(() => asText(sql`select ${1}`)).toThrow("a part with values is no text: select $1");
  });
});
