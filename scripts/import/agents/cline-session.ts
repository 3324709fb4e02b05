/**
 * The sessions of Cline's command line, each a document of messages. An answer has the counts of its request. Cached
 * tokens are inside its input, whatever the provider, and unlike in the tasks of the editor's extension (`cline.ts`).
 */
import { readFile } from "node:fs/promises";
import { clineProvider } from "../../../src/ingest/decode/log/cline.ts";
import type { Values } from "../row-to-trace.ts";
import { type FoundCall, type Sink, SKIPPED, UNKNOWN_MODEL } from "./found-call.ts";
import { countAt, idAt, objectAt, sumOf, textAt, timeAt, usdAt } from "./json.ts";

/** The agent that the user talks to. */
const LEAD = "lead";

export async function readClineSession(path: string, sink: Sink): Promise<void> {
  const session = objectAt(JSON.parse(await readFile(path, "utf8")));
  const messages = session?.["messages"];
  if (!Array.isArray(messages)) return sink.skip(SKIPPED.otherForm);
  for (const value of messages) {
    const message = objectAt(value);
    const metrics = objectAt(message, "metrics");
    if (metrics === undefined || message!["role"] !== "assistant") continue;
    const found = toCall(session!, message!, metrics);
    if (typeof found === "string") sink.skip(found);
    else sink.call(found);
  }
}

function toCall(session: Values, message: Values, metrics: Values): FoundCall | string {
  const startedAtMs = timeAt(message, "ts");
  if (startedAtMs === undefined) return SKIPPED.noTime;
  const [told, output, reads, writes] = ["inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens"].map(
    (name) => countAt(metrics, name),
  );
  if (told === undefined || output === undefined || [told, output, reads, writes].some(Number.isNaN))
    return SKIPPED.badCounts;
  const info = objectAt(message, "modelInfo");
  const agent = textAt(session, "agent");
  const sessionId = idAt(session, "sessionId");
  const input = Math.max(told, sumOf(reads, writes));
  // A session that is resumed goes on in its file. The message's id is random.
  const own = `cline:${sessionId ?? ""}:${idAt(message, "id") ?? startedAtMs}`;
  return {
    id: `${own}:${input}/${reads ?? ""}/${output}`,
    key: own,
    startedAtMs,
    application: "cline",
    provider: clineProvider(textAt(info, "provider")),
    model: textAt(info, "id") ?? UNKNOWN_MODEL,
    sessionId,
    otherIds: [],
    counts: {
      input_tokens: input,
      output_tokens: output,
      ...(reads !== undefined && { cache_read_tokens: reads }),
      ...(writes !== undefined && { cache_write_tokens: writes }),
    },
    tokens: input + output,
    costUsd: usdAt(metrics, "cost"),
    tags: { subagent: agent === LEAD ? undefined : agent },
  };
}
