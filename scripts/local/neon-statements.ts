/**
 * Runs statements over one `pg` connection and writes Neon's JSON as the messages arrive: values stay the text that
 * Postgres sent, no row becomes a JavaScript object on its way.
 */
import type { EventEmitter } from "node:events";
import type { PoolClient, Submittable } from "pg";

export interface Statement {
  query: string;
  /** As text; null is NULL. */
  params: (string | null)[];
  /** Rows as arrays; else as objects by column name. */
  arrayMode: boolean;
}

export interface RunOptions {
  /** `BEGIN …` when the statements are one transaction; undefined for a single statement by itself. */
  begin?: string | undefined;
  /** Called once when the answer grows past `maxChars`; from there on nothing is collected. */
  maxChars: number;
  onTooLarge: () => void;
}

interface Field {
  name: string;
}

/** The part of pg's Connection that a submitted query may use. */
interface Wire {
  stream: { cork(): void; uncork(): void };
  parse(message: { text: string }): void;
  bind(message: { values: (string | null)[] }): void;
  describe(message: { type: "P" }): void;
  execute(message: object): void;
  sync(): void;
  sendCopyFail(reason: string): void;
}

/**
 * Sends everything in one write with one Sync at its end: after an error Postgres skips the rest, the COMMIT too, so a
 * transaction is whole or not at all. Resolves with one JSON object per statement; rejects with pg's error.
 */
export function runStatements(client: PoolClient, statements: Statement[], options: RunOptions): Promise<string[]> {
  const { begin, maxChars, onTooLarge } = options;
  return new Promise((resolve, reject) => {
    const results: string[] = [];
    let started = begin === undefined;
    let fields: Field[] = [];
    let fieldsJson = "[]";
    let rows = "";
    let chars = 0;
    let settled = false;

    const complete = (tag: string): void => {
      const statement = statements[results.length];
      if (!started) started = true;
      else if (statement) results.push(resultJson(fieldsJson, rows, tag, statement.arrayMode));
      fields = [];
      fieldsJson = "[]";
      rows = "";
    };
    const query = {
      submit(connection: unknown): void {
        const wire = connection as Wire;
        wire.stream.cork();
        if (begin !== undefined) send(wire, begin, []);
        for (const { query: text, params } of statements) send(wire, text, params);
        if (begin !== undefined) send(wire, "COMMIT", []);
        wire.sync();
        wire.stream.uncork();
      },
      handleRowDescription(message: { fields: Field[] }): void {
        fields = message.fields;
        fieldsJson = JSON.stringify(fields);
      },
      handleDataRow(message: { fields: (string | null)[] }): void {
        if (chars > maxChars) return;
        const json = statements[results.length]?.arrayMode
          ? JSON.stringify(message.fields)
          : JSON.stringify(Object.fromEntries(fields.map(({ name }, index) => [name, message.fields[index]])));
        rows += rows === "" ? json : `,${json}`;
        chars += json.length;
        if (chars > maxChars) onTooLarge();
      },
      handleCommandComplete(message: { text: string }): void {
        complete(message.text);
      },
      handleEmptyQuery(): void {
        complete("");
      },
      handlePortalSuspended(): void {},
      handleCopyInResponse(connection: unknown): void {
        (connection as Wire).sendCopyFail("COPY is not supported over HTTP");
      },
      handleCopyData(): void {},
      handleError(error: Error & { severity?: string }, connection: EventEmitter): void {
        settled = true;
        if (error.severity === undefined) return reject(error);
        // Only with the next ReadyForQuery is it known whether a transaction was left open.
        const fail = (): void => {
          connection.off("readyForQuery", fail);
          connection.off("end", fail);
          reject(error);
        };
        connection.once("readyForQuery", fail);
        connection.once("end", fail);
      },
      handleReadyForQuery(): void {
        if (!settled) resolve(results);
      },
    };
    client.query(query as Submittable);
  });
}

function send(wire: Wire, text: string, values: (string | null)[]): void {
  wire.parse({ text });
  wire.bind({ values });
  wire.describe({ type: "P" });
  wire.execute({});
}

// A command tag is "INSERT 0 5", "SELECT 3" or "CREATE TABLE"; the last number, if any, counts rows.
function resultJson(fields: string, rows: string, tag: string, rowAsArray: boolean): string {
  const [command = "", ...rest] = tag.split(" ");
  const count = Number.parseInt(rest.at(-1) ?? "", 10);
  const rowCount = Number.isNaN(count) ? "null" : String(count);
  return `{"command":"${command}","rowCount":${rowCount},"fields":${fields},"rows":[${rows}],"rowAsArray":${rowAsArray}}`;
}
