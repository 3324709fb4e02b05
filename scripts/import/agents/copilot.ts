/**
 * What GitHub Copilot exports to a file (`COPILOT_OTEL_FILE_EXPORTER_PATH`): a span a line, or a line of OTLP JSON. All
 * counts are inclusive, and only `chat` spans are calls: those around them restate.
 */
import { coverOfCopilot } from "../../../src/ingest/decode/covered-by.ts";
import type { Values } from "../row-to-trace.ts";
import { type FoundCall, type Sink, SKIPPED, UNKNOWN_MODEL } from "./found-call.ts";
import { countAt, idAt, lastPart, objectAt, textAt } from "./json.ts";
import type { LineParser } from "./line-parser.ts";

const OPERATION = "gen_ai.operation.name";
/** One of these is ten millionths of a millionth of a dollar. */
const NANO_AIU = "github.copilot.nano_aiu";

export function parseCopilot(sink: Sink): LineParser {
  const take = (span: Values, attributes: Values, application: string | undefined): void => {
    if (attributes[OPERATION] !== "chat") return;
    const found = toCall(span, attributes, application);
    if (typeof found === "string") sink.skip(found);
    else sink.call(found);
  };
  return {
    wants: (line) => line.includes("gen_ai.usage."),
    take(record) {
      if (!Array.isArray(record["resourceSpans"]))
        return take(record, flat(record["attributes"]), textAt(resourceOf(record["resource"]), "service.name"));
      for (const group of objectsOf(record["resourceSpans"])) {
        const application = textAt(resourceOf(group["resource"]), "service.name");
        for (const scope of objectsOf(group["scopeSpans"]))
          for (const span of objectsOf(scope["spans"])) take(span, flat(span["attributes"]), application);
      }
    },
    end: () => {},
  };
}

function toCall(span: Values, attributes: Values, application: string | undefined): FoundCall | string {
  const [startedAtMs, endedAtMs] = [
    instantOf(span["startTimeUnixNano"] ?? span["startTime"] ?? span["_startTime"]),
    instantOf(span["endTimeUnixNano"] ?? span["endTime"] ?? span["_endTime"]),
  ];
  if (startedAtMs === undefined) return SKIPPED.noTime;
  const counts = Object.fromEntries(
    [
      "input_tokens",
      "output_tokens",
      "cache_read.input_tokens",
      "cache_creation.input_tokens",
      "reasoning.output_tokens",
    ].map((name) => [name, countAt(attributes, `gen_ai.usage.${name}`)] as const),
  );
  const [input, output] = [counts["input_tokens"], counts["output_tokens"]];
  if (input === undefined || output === undefined || Object.values(counts).some(Number.isNaN)) return SKIPPED.badCounts;
  const [read, write] = [counts["cache_read.input_tokens"], counts["cache_creation.input_tokens"]];
  const reasoning = counts["reasoning.output_tokens"];
  const context = objectAt(span["spanContext"]) ?? objectAt(span["_spanContext"]) ?? span;
  const responseId = idAt(attributes, "gen_ai.response.id");
  const spanId = idAt(context, "spanId");
  const own = `copilot:${responseId ?? ""}:${spanId ?? startedAtMs}`;
  const nanoAiu = countAt(attributes, NANO_AIU);
  const said = textAt(attributes, "gen_ai.provider.name");
  return {
    id: own,
    key: own,
    startedAtMs,
    durationMs: endedAtMs !== undefined && endedAtMs >= startedAtMs ? endedAtMs - startedAtMs : undefined,
    application: application ?? "github-copilot",
    // With a provider of the user's own nothing is billed in credits.
    provider: said === "github" && nanoAiu === undefined ? "openai" : said,
    model: textAt(attributes, "gen_ai.response.model") ?? textAt(attributes, "gen_ai.request.model") ?? UNKNOWN_MODEL,
    requestModel: textAt(attributes, "gen_ai.request.model"),
    sessionId: idAt(attributes, "gen_ai.conversation.id"),
    responseId,
    otherIds: [],
    counts: {
      input_tokens: input,
      output_tokens: output,
      ...(read !== undefined && { cache_read_tokens: read }),
      ...(write !== undefined && { cache_write_tokens: write }),
      ...(reasoning !== undefined && { reasoning_tokens: reasoning }),
    },
    tokens: input + output,
    // Ten pico-dollars each: eleven decimals.
    coveredBy: coverOfCopilot(said ?? null, textAt(attributes, "server.address") ?? null, nanoAiu !== undefined),
    costUsd: nanoAiu === undefined || Number.isNaN(nanoAiu) ? undefined : (nanoAiu / 1e11).toFixed(11),
    tags: { agent: textAt(attributes, "gen_ai.agent.name") },
    repository: lastPart(
      textAt(attributes, "github.copilot.git.repository") ?? textAt(attributes, "copilot_chat.repo.remote_url"),
    ),
    branch: textAt(attributes, "github.copilot.git.branch") ?? textAt(attributes, "copilot_chat.repo.head_branch_name"),
  };
}

function objectsOf(value: unknown): Values[] {
  return Array.isArray(value) ? value.map((item) => objectAt(item)).filter((item) => item !== undefined) : [];
}

function resourceOf(value: unknown): Values {
  return flat(objectAt(value)?.["attributes"]);
}

/** Attributes as a map, or as the list of OTLP. */
function flat(attributes: unknown): Values {
  if (!Array.isArray(attributes)) return objectAt(attributes) ?? {};
  return Object.fromEntries(
    objectsOf(attributes).map(({ key, value }) => {
      const { stringValue, intValue, doubleValue, boolValue } = objectAt(value) ?? {};
      const number = intValue ?? doubleValue;
      return [String(key), number === undefined ? (stringValue ?? boolValue) : Number(number)];
    }),
  );
}

/** Nanoseconds in a text, seconds and nanoseconds, milliseconds, or RFC 3339. */
function instantOf(value: unknown): number | undefined {
  if (Array.isArray(value) && value.length === 2) return Number(value[0]) * 1_000 + Math.floor(Number(value[1]) / 1e6);
  const text = typeof value === "number" ? value.toFixed(0) : typeof value === "string" ? value : "";
  const ms = /^\d{16,20}$/.test(text)
    ? Number(BigInt(text) / 1_000_000n)
    : /^\d{13}$/.test(text)
      ? Number(text)
      : Date.parse(text);
  return Number.isFinite(ms) ? ms : undefined;
}
