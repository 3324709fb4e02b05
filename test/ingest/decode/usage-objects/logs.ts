/** One of Claude Code's events, in both encodings, which must say the same. */
import { expect } from "vitest";
import { decodeLogsJson, decodeLogsProtobuf } from "../../../../src/ingest/decode/otlp/logs.ts";
import type { Decoded } from "../../../../src/ingest/decode/decoded.ts";
import { apiRequest, logsRequest, logsToProtobuf } from "../otlp/logs-request.ts";
import type { Attributes } from "../otlp/request.ts";

export type Event = Attributes;

const AT_NS = `${Date.UTC(2026, 10, 20, 12)}000000`;
const NOTHING = { cache_read_tokens: null, cache_creation_tokens: null, duration_ms: null };

export function decodeClaudeCode(event: Event, nowMs: number, resource: Attributes = {}): Decoded {
  const record = apiRequest({ ...NOTHING, ...event }, { timeUnixNano: AT_NS });
  const json = logsRequest([record], { resource: { "service.name": "claude-code", ...resource } });
  const decoded = decodeLogsJson(json, nowMs);
  expect(decodeLogsProtobuf(logsToProtobuf(json), nowMs)).toEqual(decoded);
  return decoded;
}
