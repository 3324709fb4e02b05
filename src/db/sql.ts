/** Fragments of SQL that several statements use. */
import { SQL, type SQLChunk, StringChunk, sql as drizzle } from "drizzle-orm";

/**
 * Drizzle's `sql`, for statements that are composed anew for each question. Drizzle looks for a table among the chunks of
 * every fragment, which takes most of its time. Fragments that are composed here have none.
 */
export const sql: typeof drizzle = Object.assign(
  (strings: TemplateStringsArray, ...params: SQLChunk[]): SQL => {
    const chunks: SQLChunk[] = [];
    const fragment = new SQL(chunks);
    for (let i = 0; i < strings.length; i++) {
      if (i > 0) chunks.push(params[i - 1]!);
      if (strings[i] !== "") chunks.push(new StringChunk(strings[i]!));
    }
    return fragment;
  },
  drizzle,
  {
    join(fragments: SQLChunk[], separator?: SQLChunk): SQL {
      const chunks: SQLChunk[] = [];
      const joined = new SQL(chunks);
      for (let i = 0; i < fragments.length; i++) {
        if (i > 0 && separator !== undefined) chunks.push(separator);
        chunks.push(fragments[i]!);
      }
      return joined;
    },
  },
);

/** SQL fragments with commas between. */
export function list(fragments: SQL[]): SQL {
  return sql.join(fragments, sql`, `);
}

/** `a, b, c` as quoted identifiers, each after the table alias if there is one. */
export function columns(names: readonly string[], alias?: string): SQL {
  const prefix = alias === undefined ? sql`` : sql`${sql.identifier(alias)}.`;
  return list(names.map((name) => sql`${prefix}${sql.identifier(name)}`));
}

/** Values written out instead of passed as parameters, with commas between. */
export function constants(values: Iterable<string | number>): SQL {
  return list([...values].map((value) => sql`${value}`)).inlineParams();
}

/** A hash of several texts, a bigint. Writing them as one text first would take twice as long. */
export function hashOf(names: readonly string[], alias: string): SQL {
  return names.reduce((hash, name) => sql`hashtextextended(${columns([name], alias)}, ${hash})`, sql`0`);
}

/** The starts of the UTC hour, the UTC day and the week (from Monday on) that contain an instant. */
export const hourOf = (instant: SQL): SQL => sql`date_bin('1 hour', ${instant}, 'epoch'::timestamptz)`;
export const dayOf = (instant: SQL): SQL => sql`date_bin('1 day', ${instant}, 'epoch'::timestamptz)`;
export const weekOf = (instant: SQL): SQL => sql`date_bin('7 days', ${instant}, '1970-01-05Z'::timestamptz)`;

/** Epoch ms as an instant. */
export const instantAt = (ms: number | null | SQL): SQL => sql`to_timestamp(${ms}::float8 / 1000)`;

/** A placeholder of a compiled statement. */
export const param = sql.placeholder;
/** The project that a compiled statement is about. */
export const project = sql`${param("project")}::uuid`;
