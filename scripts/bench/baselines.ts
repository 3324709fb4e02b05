/** What ingest is measured against: bare COPY and a plain unnest insert of the same rows into the same table. */
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import type pg from "pg";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";
import { CONNECTIONS } from "./context.ts";

export const BATCH = 1_000;

export async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      for (const item of left) await work(item);
    }),
  );
}

/** The stored rows as COPY text, without the project, which comes first. */
export async function exported(pool: pg.Pool, projectId: string): Promise<string[]> {
  const client = await pool.connect();
  try {
    const stream = client.query(copyTo(`COPY (SELECT * FROM traces WHERE project_id = '${projectId}') TO STDOUT`));
    const exportedText = await text(stream);
    return exportedText
      .split("\n")
      .slice(0, -1)
      .map((line) => line.slice(line.indexOf("\t")));
  } finally {
    client.release();
  }
}

export async function copied(pool: pg.Pool, lines: readonly string[], projectId: string): Promise<void> {
  const half = Math.ceil(lines.length / CONNECTIONS);
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async (_, i) => {
      const client = await pool.connect();
      try {
        const own = lines.slice(i * half, (i + 1) * half).map((line) => `${projectId}${line}\n`);
        const chunks = Array.from({ length: Math.ceil(own.length / BATCH) }, (_, at) =>
          own.slice(at * BATCH, (at + 1) * BATCH).join(""),
        );
        await pipeline(Readable.from(chunks), client.query(copyFrom("COPY traces FROM STDIN")));
      } finally {
        client.release();
      }
    }),
  );
}

export async function unnested(pool: pg.Pool, lines: readonly string[], projectId: string): Promise<void> {
  const { rows } = await pool.query<{ type: string }>(
    "SELECT format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = 'traces'::regclass AND attnum > 1 AND NOT attisdropped ORDER BY attnum",
  );
  // `unnest` would take a list of lists apart, so lists are sent as text.
  const sent = rows.map(({ type }, i) => `$${i + 1}::${type.endsWith("[]") ? "text" : type}[]`);
  const stored = rows.map(({ type }, i) => `c${i}::${type}`);
  const names = rows.map((_, i) => `c${i}`);
  const statement = `INSERT INTO traces SELECT '${projectId}'::uuid, ${stored.join(", ")} FROM unnest(${sent.join(", ")}) AS sent (${names.join(", ")}) ON CONFLICT DO NOTHING`;
  const batches = Array.from({ length: Math.ceil(lines.length / BATCH) }, (_, at) => {
    const cells = lines.slice(at * BATCH, (at + 1) * BATCH).map((line) => line.split("\t").slice(1));
    return rows.map((_, column) => cells.map((row) => (row[column] === "\\N" ? null : row[column])));
  });
  await inParallel(batches, (columns) => pool.query(statement, columns));
}
