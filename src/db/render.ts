/**
 * The text of a statement and its values. For each of the thousand parts of a summary's statement, Drizzle's own compiler
 * asks a dozen times what it is. This one knows the parts that statements are made of, and leaves others to Drizzle.
 */
import { Name, Placeholder, SQL, StringChunk } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import type { Query } from "./driver.ts";

const dialect = new PgDialect();

export function render(query: SQL): Query {
  const values: unknown[] = [];
  const text = textOf(query, values, false);
  if (text !== null) return { text, values };
  const compiled = dialect.sqlToQuery(query);
  return { text: compiled.sql, values: compiled.params };
}

/**
 * A part of statements that has no values of its own, as text. It is made once, when its module is loaded or when it is
 * first asked for, and costs a statement no more than any text.
 *
 * @throws Error if it has values.
 */
export function asText(part: SQL): SQL {
  const { text, values } = render(part);
  if (values.length > 0) throw new Error(`a part with values is no text: ${text}`);
  return new SQL([new StringChunk(text)]);
}

/** @returns null if a part is of a kind that is not known here. */
function textOf(query: SQL, values: unknown[], inlined: boolean): string | null {
  const inline = inlined || (query as unknown as { shouldInlineParams: boolean }).shouldInlineParams;
  let text = "";
  for (const chunk of query.queryChunks) {
    if (chunk instanceof StringChunk) text += chunk.value.length === 1 ? chunk.value[0]! : chunk.value.join("");
    else if (chunk instanceof SQL) {
      const inner = textOf(chunk, values, inline);
      if (inner === null) return null;
      text += inner;
    } else if (chunk instanceof Name) text += dialect.escapeName(chunk.value);
    else if (chunk === undefined) continue;
    else if (chunk instanceof Placeholder) text += dialect.escapeParam(values.push(chunk) - 1);
    else if (chunk !== null && typeof chunk === "object") return null;
    else if (!inline) text += dialect.escapeParam(values.push(chunk) - 1);
    else if (typeof chunk === "string") text += dialect.escapeString(chunk);
    else text += String(chunk);
  }
  return text;
}
