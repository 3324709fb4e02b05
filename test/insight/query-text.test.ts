/** Whatever a statement says, its shown text has no value of it. */
import { describe, expect, it } from "vitest";
import { queryText } from "../../src/insight/query-text.ts";

describe("the text of a statement", () => {
  it.each([
    ["select 'secret' , 42, 4.5e3, .5", "select ? , ?, ?, ?"],
    ["select 'it''s secret' from t", "select ? from t"],
    [String.raw`select E'a\'secret' from t`, "select ? from t"],
    ["create role r password 'secret'", "create role r password ?"],
    ["select $$secret$$, $a$sec$$ret$a$ from t", "select ?, ? from t"],
    ["select x'5ec2e7', B'1', N'secret', U&'secret'", "select ?, ?, ?, ?"],
    ["select 1 /* user=secret */ from t -- secret", "select ? from t"],
    ["select 1 /* a /* secret */ secret */", "select ?"],
    ["select 1 -- secret\nfrom t", "select ? from t"],
    ["select 1 from t where a = 'secret", "select ? from t where a = ?"],
    ["select 1 /* secret", "select ?"],
    ["select $a$secret", "select ?"],
  ])("masks %j", (text, shown) => {
    expect(queryText(text)).toBe(shown);
  });

  it.each([
    'select "a ""b"" \'c\'", t1.c2 from traces_2026_11 t1 where id = $1 and x = any($2::uuid[])',
    "select * from llm_cost_routine_insert_0a1b2c3d4e5f($1, $12)",
    "select größe from t",
  ])("leaves names and parameters of %j", (text) => {
    expect(queryText(text)).toBe(text);
  });

  it("is one line that ends", () => {
    expect(queryText("select\n\t a ,\n  b")).toBe("select a , b");
    expect(queryText(`select ${"a, ".repeat(2_000)}b`)).toMatch(/^select a, .{900,1000} …$/);
  });

  it("takes time in proportion to its length", () => {
    for (const part of ["'", "/*", "$a$", "$$", "--", "E'\\", '"', "/* */", "1"]) queryText(part.repeat(50_000));
  });
});
