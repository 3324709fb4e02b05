/** What the logs of all emitters have in common: times, counts, whose a call is, and the call that these make. */
import type { AgentTag } from "../../../ledger/agent-tags.ts";
import { type Call, type CostIs, MAX_DURATION_MS, MAX_TOKENS, NO_USAGE, type Usage } from "../../../ledger/call.ts";
import type { CoveredBy } from "../../../ledger/covered-by.ts";
import { callKey } from "../../../ledger/key.ts";
import { noteOf } from "../../../ledger/note.ts";
import { parseInstant } from "../../../time.ts";
import { cleanText, ItemRefused, keptIds, keptStart, keptText, type Reading } from "../item.ts";
import type { ReportedCost } from "../reported-cost.ts";
import { APPLICATION, ENVIRONMENT } from "../span/attributes.ts";
import { codeTags } from "../span/code-tags.ts";
import {
  CODE_NAMES,
  CODE_OF_RESOURCES,
  DEFAULT_PERSONS,
  type Persons,
  RESOURCE_TAGS,
} from "../span/context-attributes.ts";
import { isId } from "../span/to-call.ts";
import { personOf, textOf, type Attributes, type SpanSource } from "../span/span.ts";
import type { LogRecord } from "./record.ts";

export const EVENT_NAME = "event.name";
const EVENT_TIME = "event.timestamp";
const US_PER_MS = 1_000;

const STATUS_CODES = ["http.response.status_code", "http.status_code", "status_code"];
const ERRORS = ["error.type", "error", "error.message"];

/** The attributes that are read of every emitter's records and resources. */
export const COMMON_ATTRIBUTES: readonly string[] = [
  EVENT_NAME,
  EVENT_TIME,
  ...DEFAULT_PERSONS,
  ...STATUS_CODES,
  ...ERRORS,
  ...APPLICATION,
  ...ENVIRONMENT,
  ...RESOURCE_TAGS.flatMap(([, names]) => names),
  ...CODE_NAMES,
  ...Object.values(CODE_OF_RESOURCES),
];

/** What one record says of a call. */
export interface Said {
  record: LogRecord;
  /** The program, for the tag of that name. */
  agent: string;
  /** True if the record was written within the span of the call itself, so that the two are known to be one. */
  inItsSpan?: boolean;
  /** The name of the event, with its prefix. */
  rule: string;
  /** What makes the record one of its own among those of its time. */
  clientId: string;
  /** The id of the provider's response, or another text that all reports of this call share. */
  responseId: string | null;
  otherIds?: readonly string[];
  durationUs: number | null;
  provider: string;
  /** The provider as it was sent, if it was. */
  sentProvider: string | null;
  model: string;
  requestModel?: string | null;
  reading: Reading;
  serviceTier: string | null;
  userId: string | null;
  sessionId: string | null;
  tags: Readonly<Partial<Record<AgentTag, string | null>>>;
  failed: boolean;
  cost: ReportedCost;
  costIs?: CostIs;
  coveredBy: CoveredBy;
}

/** @throws ItemRefused if a value cannot be true or cannot be stored. */
export function callOf(said: Said, nowMs: number): Call {
  const { record, durationUs, failed, provider, sentProvider, cost, agent } = said;
  const { resource } = record.source;
  // It was written when the call had ended. A second sending repeats both times; the one of observation may differ.
  const startedAtMs = keptStart(
    Math.floor((endOf(record) - (durationUs ?? 0)) / US_PER_MS),
    nowMs,
    "the call's start (the record's time minus its duration)",
  );
  const clientId = keptText(said.clientId, "the call's identity");
  const reading = failed ? said.reading : toldBy(said.reading);
  return {
    ...reading.usage,
    id: callKey(startedAtMs, clientId),
    clientId,
    ...(said.inItsSpan === true ? placeOf(record) : NO_PLACE),
    responseId: said.responseId === null ? null : keptText(said.responseId, "response id"),
    otherIds: keptIds(said.otherIds ?? []),
    startedAtMs,
    durationUs,
    application: text(resource, APPLICATION, "application") ?? agent,
    environment: text(resource, ENVIRONMENT, "environment") ?? "unknown",
    provider,
    model: said.model,
    requestModel: said.requestModel ?? null,
    requestProvider: sentProvider === provider ? null : sentProvider,
    doubt: reading.doubt,
    unknownUsageMembers: cost.unread,
    operation: "chat",
    serviceTier: said.serviceTier,
    userId: said.userId,
    sessionId: said.sessionId,
    tags: tagsOf(record, agent, said.tags),
    status: failed ? "error" : "ok",
    errorType: failed ? errorTypeOf(record.attributes) : null,
    reportedCostPico: failed ? 0n : cost.pico,
    billable: true,
    wrapper: false,
    rule: said.rule,
    usageSemantics: reading.semantics,
    costIs: said.costIs ?? "exact",
    coveredBy: said.coveredBy,
  };
}

/** A request that failed used nothing. */
export const NOTHING_USED: Reading = {
  usage: { ...NO_USAGE, inputTokens: 0, outputTokens: 0 },
  semantics: "failed: nothing used",
  doubt: null,
};

/**
 * An answer takes tokens. Programs that were not told how many say 0: Gemini CLI if the stream had no usage, Claude Code
 * 1.0 after a request that was refused first.
 */
function toldBy(reading: Reading): Reading {
  const { usage } = reading;
  if (usage.inputTokens !== 0 || usage.outputTokens !== 0) return reading;
  return { ...reading, usage: NO_USAGE, semantics: `${reading.semantics}; all counts are 0: not told` };
}

/** @param names the attributes of the counts. */
export function countsOf(attributes: Attributes, names: Partial<Record<keyof Usage, string>>): Usage {
  const usage: Usage = { ...NO_USAGE };
  for (const field in names) usage[field as keyof Usage] = countOf(attributes, names[field as keyof Usage]!);
  return usage;
}

/** Some send counts as digits in a text. */
export function countOf(attributes: Attributes, name: string): number | null {
  const value = attributes.get(name);
  if (value === undefined) return null;
  const count = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
  if (typeof count === "number" && Number.isInteger(count) && count >= 0 && count <= MAX_TOKENS) return count;
  throw new ItemRefused(`${name} is not a whole number from 0 to ${MAX_TOKENS}`);
}

/** Milliseconds under a name, as microseconds. */
export function durationOf(attributes: Attributes, name: string): number | null {
  const value = attributes.get(name);
  if (value === undefined) return null;
  const ms = typeof value === "string" && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  if (typeof ms === "number" && ms >= 0 && ms <= MAX_DURATION_MS) return Math.round(ms * US_PER_MS);
  throw new ItemRefused(`${name} is not a number from 0 to ${MAX_DURATION_MS}`);
}

/** When the record was written, in epoch microseconds. */
export function endOf({ timeNs, observedNs, attributes }: LogRecord): number {
  if (timeNs === null) throw new ItemRefused("timeUnixNano is not a whole number");
  if (timeNs > 0n) return Number(timeNs / 1_000n);
  const written = attributes.get(EVENT_TIME);
  const writtenMs = typeof written === "string" ? parseInstant(written) : null;
  return writtenMs === null ? Number((observedNs ?? 0n) / 1_000n) : writtenMs * US_PER_MS;
}

/** The time that the emitter itself wrote. All reports of one event have the same. */
export function eventTimeOf({ attributes }: LogRecord): string | null {
  return textOf(attributes, [EVENT_TIME]);
}

export function text(attributes: Attributes, names: readonly string[], what: string): string | null {
  const value = textOf(attributes, names);
  return value === null ? null : keptText(value, what);
}

/** @param names the attributes of tags. */
export function textsOf(attributes: Attributes, names: Readonly<Record<string, string>>): Said["tags"] {
  const texts: Record<string, string | null> = {};
  for (const tag in names) texts[tag] = textOf(attributes, [names[tag]!]);
  return texts;
}

/** Some programs name the user on each record, and some on the resource. */
export function userOf({ attributes, source }: LogRecord, persons: Persons): string | null {
  const user = personOf(attributes, persons) ?? personOf(source.resource, persons);
  return user === null ? null : keptText(user, "user");
}

type Place = Pick<Call, "traceId" | "spanId" | "parentId">;
const NO_PLACE: Place = { traceId: null, spanId: null, parentId: null };

/** The place below the span in which the record was written. */
export function placeOf({ traceId, spanId }: LogRecord): Place {
  if (!isId(traceId, 32) || !isId(spanId, 16)) return NO_PLACE;
  return { traceId, spanId: noteOf(spanId), parentId: spanId };
}

function errorTypeOf(attributes: Attributes): string | null {
  const status = textOf(attributes, STATUS_CODES);
  if (status !== null && /^\d{3}$/.test(status)) return status;
  const error = textOf(attributes, ERRORS);
  return error && cleanText(error);
}

/** Tags of the resource, which some emitters repeat on each record, and the emitter's own. */
function tagsOf({ source, attributes }: LogRecord, agent: string, own: Said["tags"]): Record<string, string> {
  const tags: Record<string, string> = {};
  const ofResource = resourceTagsOf(source);
  for (const [tag, names] of RESOURCE_TAGS) {
    const value = ofResource[tag] ?? textOf(attributes, names);
    if (value !== null) tags[tag] = cleanText(value);
  }
  const look = (names: readonly string[]): string | null => textOf(source.resource, names) ?? textOf(attributes, names);
  for (const [tag, value] of codeTags(look, true)) tags[tag] = cleanText(value);
  tags["agent"] ??= agent;
  for (const [tag, value] of Object.entries(own)) {
    if (value !== null && value !== "" && tags[tag] === undefined) tags[tag] = cleanText(value);
  }
  return tags;
}

/** By source, because many records share one. */
const tagsBySource = new WeakMap<SpanSource, Readonly<Record<string, string | null>>>();

function resourceTagsOf(source: SpanSource): Readonly<Record<string, string | null>> {
  let tags = tagsBySource.get(source);
  if (tags === undefined) {
    tags = Object.fromEntries(RESOURCE_TAGS.map(([tag, names]) => [tag, textOf(source.resource, names)]));
    tagsBySource.set(source, tags);
  }
  return tags;
}
