/** Which program wrote a log record, and the call that it reports. Records of others are accepted and not stored. */
import type { Call } from "../../../ledger/call.ts";
import { CLAUDE_CODE } from "./claude-code.ts";
import { CLINE } from "./cline.ts";
import { CODEX } from "./codex.ts";
import { COMMON_ATTRIBUTES, EVENT_NAME } from "./fields.ts";
import { GEMINI_CLI, QWEN_CODE } from "./gemini-cli.ts";
import { INFERENCE } from "./inference.ts";
import type { LogContext, LogEmitter, LogRecord } from "./record.ts";

const EMITTERS: readonly LogEmitter[] = [CLAUDE_CODE, CODEX, GEMINI_CLI, QWEN_CODE, CLINE, INFERENCE];

/** The attribute names of records and resources that are read. */
export const LOG_ATTRIBUTES: ReadonlySet<string> = new Set([
  ...COMMON_ATTRIBUTES,
  ...EMITTERS.flatMap(({ attributes }) => attributes),
]);

/** The events that may be calls. */
export const LOG_EVENTS: readonly string[] = EMITTERS.flatMap(({ prefix, events }) =>
  [...events].map((event) => prefix + event),
);

/** Beginnings of further names that are read. */
export const LOG_PREFIXES: readonly string[] = EMITTERS.flatMap(({ attributePrefixes = [] }) => attributePrefixes);

/**
 * @returns null for a record that is not a call.
 * @throws ItemRefused if a value of the record cannot be true or cannot be stored.
 */
export function toLogCall(record: LogRecord, context: LogContext): Call | null {
  const found =
    eventOf(record.body, record) ??
    eventOf(record.eventName, record) ??
    eventOf(record.attributes.get(EVENT_NAME), record);
  return found === undefined ? null : found.emitter.toCall(record, found.event, context);
}

interface Event {
  emitter: LogEmitter;
  event: string;
}

const ALL_EVENTS: readonly Event[] = EMITTERS.flatMap((emitter) =>
  [...emitter.events].map((event) => ({ emitter, event })),
);
/** By the name with its prefix. */
const NAMED = new Map(ALL_EVENTS.map((found) => [found.emitter.prefix + found.event, found]));
/** By the name without it, for emitters that may leave it out. */
const BARE = Map.groupBy(
  ALL_EVENTS.filter(({ emitter }) => emitter.owns !== undefined),
  ({ event }) => event,
);

function eventOf(name: unknown, record: LogRecord): Event | undefined {
  if (typeof name !== "string") return undefined;
  return NAMED.get(name) ?? BARE.get(name)?.find(({ emitter }) => emitter.owns!(record));
}
