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
  const attribute = record.attributes.get(EVENT_NAME);
  for (const name of [record.body, record.eventName, attribute]) {
    if (typeof name !== "string" || name === "") continue;
    for (const emitter of EMITTERS) {
      const isNamed = name.startsWith(emitter.prefix);
      const event = isNamed ? name.slice(emitter.prefix.length) : name;
      if (emitter.events.has(event) && (isNamed || emitter.owns?.(record) === true))
        return emitter.toCall(record, event, context);
    }
  }
  return null;
}
