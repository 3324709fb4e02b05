/** Statements as text that a person can review: what changes in them shows in their golden files. */
import { type SQL } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import { format } from "sql-formatter";

const dialect = new PgDialect();

/** @param statement compiled, or with its values in it; these are `$1`, `$2` and so on in the text. */
export function textOf(statement: { text: string } | SQL): string {
  const text = "text" in statement ? statement.text : dialect.sqlToQuery(statement).sql;
  return `${format(text, { language: "postgresql", expressionWidth: 100 })}\n`;
}
