/**
 * The chats of Qwen Code: one JSON object a line. Each answer has the provider's `usageMetadata`. The file also keeps the
 * telemetry event of each request, which names the response: it is joined to its answer by the counts, and adds none.
 */
import { coverBySignIn } from "../../../src/ingest/decode/covered-by.ts";
import { evidenceOf } from "../../../src/ingest/decode/evidence.ts";
import { providerBySignIn } from "../../../src/ingest/decode/log/gemini-cli.ts";
import type { Values } from "../row-to-trace.ts";
import { type FoundCall, type Sink, SKIPPED, UNKNOWN_MODEL } from "./found-call.ts";
import { countAt, idAt, lastPart, objectAt, sumOf, textAt, timeAt } from "./json.ts";
import type { LineParser } from "./line-parser.ts";
import { holdCalls, larger } from "./open-calls.ts";

/** Requests whose answer has not come yet. */
const MOST_EVENTS = 64;

interface Event {
  counts: string;
  responseId: string | undefined;
  auth: string;
}

export function parseQwen(sink: Sink): LineParser {
  const held = holdCalls(sink.call, larger);
  const events: Event[] = [];
  return {
    wants: (line) => line.includes("usageMetadata") || line.includes("api_response"),
    take(record) {
      const event = objectAt(record, "systemPayload", "uiEvent");
      if (record["type"] === "system") {
        if (event === undefined || !String(event["event.name"]).endsWith("api_response")) return;
        events.push({
          counts: pairOf(countAt(event, "input_token_count"), countAt(event, "output_token_count")),
          responseId: idAt(event, "response_id"),
          auth: textAt(event, "auth_type") ?? "",
        });
        if (events.length > MOST_EVENTS) events.shift();
        return;
      }
      const usage = objectAt(record, "usageMetadata");
      if (usage === undefined || record["type"] !== "assistant") return;
      const counts = pairOf(countAt(usage, "promptTokenCount"), countAt(usage, "candidatesTokenCount"));
      const at = events.findIndex((event) => event.counts === counts);
      const [said] = at < 0 ? [] : events.splice(at, 1);
      const found = toCall(record, usage, said);
      if (typeof found === "string") sink.skip(found);
      else held.put(found);
    },
    end: () => held.release(),
  };
}

function pairOf(input: number | undefined, output: number | undefined): string {
  return `${input}/${output}`;
}

function toCall(record: Values, usage: Values, event: Event | undefined): FoundCall | string {
  const endedAtMs = timeAt(record, "timestamp");
  if (endedAtMs === undefined) return SKIPPED.noTime;
  const names = ["promptTokenCount", "candidatesTokenCount", "cachedContentTokenCount", "thoughtsTokenCount"];
  const counts = [...names, "totalTokenCount"].map((name) => countAt(usage, name));
  const [input, output, cached, thoughts, total] = counts;
  if (input === undefined || output === undefined || counts.some(Number.isNaN)) return SKIPPED.badCounts;
  const model = textAt(record, "model") ?? UNKNOWN_MODEL;
  const auth = event?.auth ?? "";
  // Without a sign the ledger finds the provider by the model.
  const provider = providerBySignIn(auth, model) ?? (auth === "" ? undefined : "openai");
  // Thoughts are outside the output of Gemini models, whose total also has the tokens of tools.
  const isGoogle = provider === "google";
  const tools = isGoogle && total !== undefined ? Math.max(0, total - sumOf(input, output, thoughts)) : 0;
  const allInput = input + tools;
  const allOutput = output + (isGoogle ? sumOf(thoughts) : 0);
  const sessionId = idAt(record, "sessionId");
  const own = `qwen-code:${idAt(record, "uuid") ?? `${sessionId ?? ""}:${endedAtMs}`}`;
  return {
    id: `${own}:${allInput}/${cached ?? ""}/${allOutput}`,
    key: own,
    startedAtMs: endedAtMs,
    application: "qwen-code",
    provider,
    model,
    sessionId,
    responseId: event?.responseId,
    otherIds: evidenceOf("qwen-code", sessionId ?? null, [allInput, cached ?? null, allOutput], endedAtMs),
    counts: {
      input_tokens: allInput,
      output_tokens: allOutput,
      ...(cached !== undefined && { cache_read_tokens: cached }),
      ...(thoughts !== undefined && { reasoning_tokens: thoughts }),
    },
    tokens: allInput + allOutput,
    coveredBy: coverBySignIn(auth),
    tags: {},
    repository: lastPart(textAt(record, "cwd")),
    branch: textAt(record, "gitBranch"),
  };
}
