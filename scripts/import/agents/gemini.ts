/**
 * The chats of Gemini CLI: a JSON document, or lines of which the first names the session. Cached tokens are inside the
 * input, thoughts outside the output, and the tokens of tools are input besides. A message is written anew with its tools,
 * and a resumed chat repeats its messages.
 */
import { basename, dirname } from "node:path";
import { evidenceOf } from "../../../src/ingest/decode/evidence.ts";
import type { Values } from "../row-to-trace.ts";
import { readDocument } from "./document.ts";
import { type FoundCall, type Sink, SKIPPED, UNKNOWN_MODEL } from "./found-call.ts";
import { countAt, idAt, objectAt, sumOf, textAt, timeAt } from "./json.ts";
import type { LineParser } from "./line-parser.ts";
import { holdCalls } from "./open-calls.ts";

export function parseGemini(sink: Sink, path: string): LineParser {
  // A sub-agent's chat is in the folder of its parent's session, by which telemetry knows it.
  const folder = basename(dirname(path));
  const parent = /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(folder) ? folder : undefined;
  let sessionId = parent;
  const held = holdCalls(sink.call, (_, later) => later);
  const message = (value: unknown): void => {
    const record = objectAt(value);
    const tokens = objectAt(record, "tokens");
    if (record === undefined || tokens === undefined) return;
    const found = toCall(record, tokens, sessionId);
    if (typeof found === "string") sink.skip(found);
    else held.put(found);
  };
  return {
    wants: (line) => line.includes('"tokens"') || line.includes('"sessionId"'),
    take(record) {
      sessionId = parent ?? idAt(record, "sessionId") ?? sessionId;
      message(record);
      for (const list of [record["messages"], objectAt(record, "$set")?.["messages"]]) {
        if (Array.isArray(list)) list.forEach(message);
      }
    },
    end: () => held.release(),
  };
}

export async function readGemini(path: string, sink: Sink): Promise<void> {
  const document = objectAt(await readDocument(path));
  if (document === undefined) return sink.skip(SKIPPED.otherForm);
  const parser = parseGemini(sink, path);
  parser.take(document);
  parser.end(true);
}

function toCall(record: Values, tokens: Values, sessionId: string | undefined): FoundCall | string {
  const endedAtMs = timeAt(record, "timestamp");
  if (endedAtMs === undefined) return SKIPPED.noTime;
  const [input, output, cached, thoughts, tool] = ["input", "output", "cached", "thoughts", "tool"].map((name) =>
    countAt(tokens, name),
  );
  if (input === undefined || output === undefined || [input, output, cached, thoughts, tool].some(Number.isNaN))
    return SKIPPED.badCounts;
  const allInput = input + sumOf(tool);
  const allOutput = output + sumOf(thoughts);
  const own = `gemini-cli:${idAt(record, "id") ?? `${sessionId ?? ""}:${endedAtMs}`}`;
  return {
    id: `${own}:${allInput}/${cached ?? ""}/${allOutput}`,
    key: own,
    startedAtMs: endedAtMs,
    application: "gemini-cli",
    provider: "google",
    model: textAt(record, "model") ?? UNKNOWN_MODEL,
    sessionId,
    otherIds: evidenceOf("gemini-cli", sessionId ?? null, [input, output], endedAtMs),
    counts: {
      input_tokens: allInput,
      output_tokens: allOutput,
      ...(cached !== undefined && { cache_read_tokens: cached }),
      ...(thoughts !== undefined && { reasoning_tokens: thoughts }),
    },
    tokens: allInput + allOutput,
    tags: {},
  };
}
