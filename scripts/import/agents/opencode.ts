/**
 * opencode's messages: rows of its SQLite database, the same rows as JSON, or a file for each message of older releases.
 * Cached tokens are outside the input, reasoning is outside the output. A forked session copies its messages under new
 * ids, with their times: so the times and counts identify an answer.
 */
import { coverOfOpencode } from "../../../src/ingest/decode/covered-by.ts";
import { evidenceOf } from "../../../src/ingest/decode/evidence.ts";
import type { Values } from "../row-to-trace.ts";
import { readDocument } from "./document.ts";
import { type FoundCall, type Sink, SKIPPED, UNKNOWN_MODEL } from "./found-call.ts";
import { countAt, idAt, lastPart, objectAt, sumOf, textAt, timeAt, usdAt } from "./json.ts";

/** The parts of several steps are told beside their message, whose counts are the last step's. */
const STEPS = `select message_id, data from part where data like '%"step-finish"%' order by message_id, time_created, id`;
const MESSAGES = "select id, session_id, data from message order by time_created, id";

type Step = Values;

export async function readOpencode(path: string, sink: Sink): Promise<void> {
  if (path.endsWith(".db")) return await readDatabase(path, sink);
  const document = objectAt(await readDocument(path));
  if (document === undefined) return sink.skip(SKIPPED.otherForm);
  if (document["role"] !== undefined) return takeMessage(idAt(document, "sessionID"), document, [], sink);
  if (!Array.isArray(document["message"])) return sink.skip(SKIPPED.otherForm);
  const steps = new Map<string, Step[]>();
  for (const part of rowsOf(document["part"])) addStep(steps, textAt(part, "message_id"), part["data"]);
  for (const row of rowsOf(document["message"])) takeRow(row, steps.get(textAt(row, "id") ?? "") ?? [], sink);
}

async function readDatabase(path: string, sink: Sink): Promise<void> {
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    // Messages are in another order than their steps, which are short.
    const steps = new Map<string, Step[]>();
    for (const part of database.prepare(STEPS).iterate() as Iterable<Values>)
      addStep(steps, textAt(part, "message_id"), part["data"]);
    for (const row of database.prepare(MESSAGES).iterate() as Iterable<Values>)
      takeRow(row, steps.get(textAt(row, "id") ?? "") ?? [], sink);
  } finally {
    database.close();
  }
}

function rowsOf(value: unknown): Values[] {
  return Array.isArray(value) ? value.map((row) => objectAt(row)).filter((row) => row !== undefined) : [];
}

function addStep(steps: Map<string, Step[]>, messageId: string | undefined, data: unknown): void {
  const part = parsed(data);
  if (part?.["type"] !== "step-finish" || messageId === undefined) return;
  const tokens = objectAt(part, "tokens");
  if (tokens === undefined) return;
  const step = { tokens, cost: part["cost"] };
  const others = steps.get(messageId);
  if (others === undefined) steps.set(messageId, [step]);
  else others.push(step);
}

function takeRow(row: Values, steps: Step[], sink: Sink): void {
  const data = parsed(row["data"]);
  if (data === undefined) sink.skip(SKIPPED.unreadable);
  else takeMessage(idAt(row, "session_id"), data, steps, sink);
}

function parsed(value: unknown): Values | undefined {
  if (typeof value !== "string") return objectAt(value);
  try {
    return objectAt(JSON.parse(value));
  } catch {
    return undefined;
  }
}

function takeMessage(sessionId: string | undefined, data: Values, steps: Step[], sink: Sink): void {
  const tokens = objectAt(data, "tokens");
  if (data["role"] !== "assistant" || tokens === undefined) return;
  const told = steps.length > 0 ? steps : [{ tokens, cost: data["cost"] }];
  told.forEach((step, index) => {
    const found = toCall(sessionId, data, step, index);
    if (typeof found === "string") sink.skip(found);
    else if (found !== null) sink.call(found);
  });
}

function toCall(sessionId: string | undefined, data: Values, step: Step, index: number): FoundCall | string | null {
  const startedAtMs = timeAt(objectAt(data, "time"), "created");
  if (startedAtMs === undefined) return SKIPPED.noTime;
  const endedAtMs = timeAt(objectAt(data, "time"), "completed");
  const tokens = objectAt(step, "tokens");
  const cache = objectAt(tokens, "cache");
  const [fresh, text, reasoning] = ["input", "output", "reasoning"].map((name) => countAt(tokens, name));
  const [read, write] = ["read", "write"].map((name) => countAt(cache, name));
  if (fresh === undefined || text === undefined || [fresh, text, reasoning, read, write].some(Number.isNaN))
    return SKIPPED.badCounts;
  const input = fresh + sumOf(read, write);
  const output = text + sumOf(reasoning);
  // An answer that has not begun, or was broken off, has zeros.
  if (input + output === 0) return null;
  const model = textAt(data, "modelID") ?? UNKNOWN_MODEL;
  const provider = textAt(data, "providerID");
  const costUsd = usdAt(step, "cost");
  const own = `opencode:${startedAtMs}:${endedAtMs ?? ""}:${index}:${model}:${input}/${read ?? ""}/${output}`;
  return {
    id: own,
    key: own,
    startedAtMs,
    durationMs: endedAtMs !== undefined && endedAtMs >= startedAtMs ? endedAtMs - startedAtMs : undefined,
    application: "opencode",
    provider,
    model,
    sessionId,
    otherIds: evidenceOf("opencode", sessionId ?? null, [input, read ?? null, output], endedAtMs ?? startedAtMs),
    counts: {
      input_tokens: input,
      output_tokens: output,
      ...(read !== undefined && { cache_read_tokens: read }),
      ...(write !== undefined && { cache_write_tokens: write }),
      ...(reasoning !== undefined && { reasoning_tokens: reasoning }),
    },
    tokens: input + output,
    costUsd,
    coveredBy: coverOfOpencode(provider ?? null, Number(costUsd ?? 0) > 0),
    tags: { subagent: textAt(data, "agent") === "build" ? undefined : textAt(data, "agent") },
    repository: lastPart(textAt(objectAt(data, "path"), "root")) ?? lastPart(textAt(objectAt(data, "path"), "cwd")),
  };
}
