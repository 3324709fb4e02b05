/**
 * Claude Code's session files: one JSON object a line. An answer is told once for each part of it, early ones with a
 * partial output. Resumed and forked sessions repeat their history, also with another session's id, and side chains copy
 * messages of their parent.
 */
import { coverOfClaudeCode } from "../../../src/ingest/decode/covered-by.ts";
import { claudeEvidenceOf } from "../../../src/ingest/decode/evidence.ts";
import { claudeServedBy } from "../../../src/ingest/decode/served.ts";
import type { Values } from "../row-to-trace.ts";
import { type FoundCall, type Sink, SKIPPED, UNKNOWN_MODEL } from "./found-call.ts";
import { countAt, idAt, lastPart, objectAt, sumOf, textAt, timeAt, usdAt } from "./json.ts";
import type { LineParser } from "./line-parser.ts";
import { holdCalls, larger } from "./open-calls.ts";

/** The agent's own words in place of an answer, such as for a failed request. */
const SYNTHETIC = "<synthetic>";
const COUNTS = ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"];
/** Names whose text is no one's secret. `standard` says nothing that a price depends on. */
const TIERS = new Set(["service_tier", "speed", "inference_geo"]);
const ORDINARY = new Set(["standard", "normal", "not_available", "default"]);

/** The release since which records and spans name the request. Before, only evidence joins them to the file. */
const NAMES_REQUESTS = [2, 1, 110];

export function parseClaudeCode(sink: Sink): LineParser {
  const streaming = new WeakSet<Values>();
  const held = holdCalls(sink.call, larger);
  return {
    wants: (line) => line.includes('"usage"') && line.includes('"assistant"'),
    take(record) {
      const message = objectAt(record, "message");
      const usage = objectAt(message, "usage");
      if (record["type"] !== "assistant" || usage === undefined) return;
      if (textAt(message, "model") === SYNTHETIC) return sink.skip("answers that no model gave");
      const found = toCall(record, message!, usage);
      if (typeof found === "string") return sink.skip(found);
      if (message!["stop_reason"] === null) streaming.add(found.usage!);
      held.put(found);
    },
    end: (isLast) => held.release((found) => !isLast && streaming.has(found.usage!)),
  };
}

function toCall(record: Values, message: Values, usage: Values): FoundCall | string {
  const startedAtMs = timeAt(record, "timestamp");
  if (startedAtMs === undefined) return SKIPPED.noTime;
  const counts = COUNTS.map((name) => countAt(usage, name));
  if (counts.some(Number.isNaN)) return SKIPPED.badCounts;
  const tokens = sumOf(...counts);
  const messageId = idAt(message, "id");
  const requestId = idAt(record, "requestId");
  const model = textAt(message, "model") ?? UNKNOWN_MODEL;
  const requestModel = textAt(record, "requestedModel");
  const provider = providerOf(requestModel ?? model, messageId);
  const [input, output, read, written] = counts;
  const sessionId = idAt(record, "requestSessionId") ?? idAt(record, "sessionId");
  const own = `claude-code:${messageId ?? idAt(record, "uuid") ?? `${startedAtMs}`}:${requestId ?? ""}`;
  return {
    id: `${own}:${counts.map((count) => count ?? "").join("/")}`,
    key: own,
    looseKey: messageId,
    isCopy: record["isSidechain"] === true,
    startedAtMs,
    application: "claude-code",
    provider,
    coveredBy: coverOfClaudeCode(provider, null, null),
    model,
    requestModel,
    sessionId,
    responseId: messageId,
    // Without the message's id nothing says that two lines are one answer.
    otherIds:
      messageId === undefined
        ? []
        : [
            ...(requestId === undefined ? [] : [requestId]),
            ...(isBefore(NAMES_REQUESTS, textAt(record, "version"))
              ? claudeEvidenceOf(sessionId ?? null, [input, read, written, output], startedAtMs)
              : []),
          ],
    usage: numbersOf(usage),
    tokens,
    costUsd: usdAt(record, "costUSD"),
    // Older releases do not tell cache writes for an hour from those for five minutes.
    costIs: (written ?? 0) > 0 && objectAt(usage, "cache_creation") === undefined ? "lower_bound" : undefined,
    tags: { subagent: textAt(record, "attributionAgent"), effort: textAt(record, "effort") },
    repository: lastPart(textAt(record, "cwd")),
    branch: textAt(record, "gitBranch"),
  };
}

/** @param version of the program that wrote the line. */
function isBefore(release: readonly number[], version: string | undefined): boolean {
  const parts = version?.split(".").map(Number) ?? release;
  const differs = release.findIndex((part, i) => part !== (parts[i] ?? 0));
  return differs >= 0 && (parts[differs] ?? 0) < release[differs]!;
}

function providerOf(model: string, messageId = ""): string {
  if (messageId.startsWith("msg_bdrk_")) return "aws";
  return messageId.startsWith("msg_vrtx_") ? "google" : claudeServedBy(model);
}

/** The counts and tiers of a usage object, without anything else that may be in it. */
function numbersOf(usage: Values): Values {
  const numbers: Values = {};
  for (const [name, value] of Object.entries(usage)) {
    if (typeof value === "number") numbers[name] = value;
    else if (TIERS.has(name) && typeof value === "string") {
      if (!ORDINARY.has(value) && /^[\w-]{1,40}$/.test(value)) numbers[name] = value;
    } else if (name === "iterations" && Array.isArray(value)) {
      if (value.length > 0) numbers[name] = value.slice(0, 100).map(iterationOf);
    } else {
      const inner = objectAt(value);
      if (inner !== undefined) numbers[name] = onlyNumbers(inner);
    }
  }
  return numbers;
}

function iterationOf(turn: unknown): Values {
  const type = textAt(objectAt(turn), "type");
  return { ...numbersOf(objectAt(turn) ?? {}), ...(type !== undefined && { type }) };
}

function onlyNumbers(object: Values): Values {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => typeof value === "number"));
}
