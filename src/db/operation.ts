/** Names what a statement does, for traces of our own. The name holds nothing of the statement's values or names. */
import type { SQL } from "drizzle-orm";
import { type Bound, textOf } from "./client.ts";

const WRITES = /\b(insert into|delete from|merge into|update)\b/i;
const FIRST = /^[\s(]*(select|insert|update|delete|merge|with|call|set|create|drop|alter|lock|explain)\b/i;

/** `SELECT`, `INSERT` and so on. Of a statement with common table expressions, its first write. */
export function operationOf(query: SQL | Bound): string {
  const text = textOf(query);
  const first = FIRST.exec(text)?.[1]?.toUpperCase() ?? "OTHER";
  if (first !== "WITH") return first;
  return WRITES.exec(text)?.[1]?.split(" ", 1)[0]?.toUpperCase() ?? "SELECT";
}
