/** What a request to Neon's SQL over HTTP asks for, from its body and headers. */
import type { IncomingHttpHeaders } from "node:http";
import type { Statement } from "./neon-statements.ts";

export interface Work {
  statements: Statement[];
  begin: string | undefined;
  batch: boolean;
}

/** The request's statements, or what is wrong with it. */
export function readWork(body: Buffer, headers: IncomingHttpHeaders): Work | string {
  let payload: { query?: unknown; queries?: unknown } | null;
  try {
    payload = JSON.parse(body.toString()) as typeof payload;
  } catch {
    return "the body is not JSON";
  }
  const batch = Array.isArray(payload?.queries);
  const inputs = (batch ? payload?.queries : [payload]) as { query?: unknown; params?: unknown; arrayMode?: unknown }[];
  const arrayMode = headers["neon-array-mode"] === "true";
  const statements: Statement[] = [];
  for (const input of inputs) {
    if (typeof input?.query !== "string") return "a query is missing";
    if (input.params !== undefined && !Array.isArray(input.params)) return "params must be an array";
    const params = (input.params ?? []).map(asText);
    statements.push({
      query: input.query,
      params,
      arrayMode: input.arrayMode === undefined ? arrayMode : input.arrayMode === true,
    });
  }
  if (!batch) return { statements, batch, begin: undefined };
  const begin = beginStatement(headers);
  return begin === undefined ? "invalid isolation level" : { statements, batch, begin };
}

// The driver sends text already; other callers may send JSON values.
function asText(value: unknown): string | null {
  if (value === null || value === undefined || typeof value === "string") return value ?? null;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

const isolationLevels: Record<string, string> = {
  ReadUncommitted: "READ UNCOMMITTED",
  ReadCommitted: "READ COMMITTED",
  RepeatableRead: "REPEATABLE READ",
  Serializable: "SERIALIZABLE",
};

function beginStatement(headers: IncomingHttpHeaders): string | undefined {
  const level = headers["neon-batch-isolation-level"];
  const isolation = level === undefined ? "" : isolationLevels[String(level)];
  if (isolation === undefined) return undefined;
  const modes = [
    ...(isolation === "" ? [] : [`ISOLATION LEVEL ${isolation}`]),
    ...(headers["neon-batch-read-only"] === "true" ? ["READ ONLY"] : []),
    ...(headers["neon-batch-deferrable"] === "true" ? ["DEFERRABLE"] : []),
  ];
  return `BEGIN ${modes.join(", ")}`.trim();
}
