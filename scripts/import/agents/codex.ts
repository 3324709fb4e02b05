/**
 * Codex's rollout files: one JSON object a line. Newer releases write a `token_usage_record` for each response, with its
 * id. Before, there is a `token_count` event with the last call's counts and the totals so far, which is repeated when
 * only limits changed. Sub-agents and forks may begin with a replay of their parent's history.
 */
import { coverOfCodex } from "../../../src/ingest/decode/covered-by.ts";
import { evidenceOf } from "../../../src/ingest/decode/evidence.ts";
import type { CoveredBy } from "../../../src/ledger/covered-by.ts";
import type { Values } from "../row-to-trace.ts";
import { type FoundCall, type Sink, SKIPPED, UNKNOWN_MODEL } from "./found-call.ts";
import { countAt, idAt, lastPart, objectAt, textAt, timeAt } from "./json.ts";
import type { LineParser } from "./line-parser.ts";

const NEEDLES = ["token_usage_record", "token_count", "turn_context", "session_meta", "thread_settings_applied"];
const COUNTS = [
  "input_tokens",
  "cached_input_tokens",
  "output_tokens",
  "cache_write_input_tokens",
  "reasoning_output_tokens",
] as const;
/** A replay is written at once, when the file begins. */
const REPLAY_MS = 1_000;

type Counts = (number | undefined)[];

interface Session {
  thread: string | undefined;
  originator: string | undefined;
  repository: string | undefined;
  branch: string | undefined;
  /** Until when lines may be a replay; 0 in a file that has none. */
  replayedUntilMs: number;
  model: string | undefined;
  effort: string | undefined;
  /** Of its settings: `openai`, or one of the user's own. */
  providerId: string | undefined;
  /** The plan whose limits it was told last. */
  plan: string | undefined;
  totals: Counts | undefined;
  hasRecords: boolean;
}

export function parseCodex(sink: Sink, path: string): LineParser {
  const session: Session = {
    thread: undefined,
    originator: undefined,
    repository: undefined,
    branch: undefined,
    replayedUntilMs: 0,
    model: undefined,
    effort: undefined,
    providerId: undefined,
    plan: undefined,
    totals: undefined,
    hasRecords: false,
  };
  let isBegun = false;
  const emit = (found: FoundCall | string | null): void => {
    if (typeof found === "string") sink.skip(found);
    else if (found !== null) sink.call(found);
  };
  // The event behind a record has the limits of its plan.
  let held: FoundCall | null = null;
  const release = (): void => {
    emit(held && { ...held, coveredBy: coverIn(session) });
    held = null;
  };
  return {
    wants: (line) => NEEDLES.some((needle) => line.includes(needle)),
    take(record) {
      const payload = objectAt(record, "payload");
      if (payload === undefined) return;
      const type = record["type"] === "event_msg" ? payload["type"] : record["type"];
      // Later ones are those of the history that is replayed.
      if (type === "session_meta" && !isBegun) {
        isBegun = true;
        begin(session, payload, record, path);
      } else if (type === "turn_context") {
        session.model = textAt(payload, "model") ?? session.model;
        session.effort =
          textAt(payload, "effort") ?? textAt(objectAt(payload, "collaboration_mode", "settings"), "reasoning_effort");
      } else if (type === "thread_settings_applied") {
        session.model = textAt(objectAt(payload, "thread_settings"), "model") ?? session.model;
      } else if (type === "token_usage_record") {
        session.hasRecords = true;
        release();
        const found = ofRecord(session, record, payload);
        if (typeof found === "string") sink.skip(found);
        else held = found;
      } else if (type === "token_count") {
        session.plan = textAt(objectAt(payload, "rate_limits"), "plan_type") ?? session.plan;
        release();
        emit(ofTotals(session, record, objectAt(payload, "info")));
      }
    },
    end: release,
  };
}

function begin(session: Session, meta: Values, record: Values, path: string): void {
  session.thread = idAt(meta, "id") ?? /([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.jsonl$/.exec(path)?.[1];
  session.providerId = textAt(meta, "model_provider");
  session.originator = textAt(meta, "originator");
  const git = objectAt(meta, "git");
  session.repository = lastPart(textAt(git, "repository_url") ?? textAt(meta, "cwd"));
  session.branch = textAt(git, "branch");
  session.model = textAt(objectAt(meta, "base_instructions", "provenance"), "model");
  const hasParent = textAt(meta, "forked_from_id") !== undefined || objectAt(meta, "source", "subagent") !== undefined;
  const at = timeAt(record, "timestamp") ?? timeAt(meta, "timestamp");
  session.replayedUntilMs = hasParent && at !== undefined ? at + REPLAY_MS : 0;
}

function ofRecord(session: Session, record: Values, payload: Values): FoundCall | string {
  const thread = idAt(payload, "thread_id");
  if (thread !== undefined && session.thread !== undefined && thread !== session.thread) return SKIPPED.replayed;
  return toCall(session, record, countsOf(objectAt(payload, "usage")), idAt(payload, "response_id"));
}

function ofTotals(session: Session, record: Values, info: Values | undefined): FoundCall | string | null {
  const stated = objectAt(info, "total_token_usage");
  const totals = stated && countsOf(stated);
  const last = objectAt(info, "last_token_usage");
  const before = session.totals;
  if (totals !== undefined) session.totals = totals;
  // The records say the same with ids. Without news only limits changed.
  if (session.hasRecords || (totals === undefined && last === undefined)) return null;
  if (totals !== undefined && String(totals) === String(before)) return null;
  const at = timeAt(record, "timestamp");
  if (at !== undefined && at < session.replayedUntilMs) return SKIPPED.replayed;
  if (last !== undefined) return toCall(session, record, countsOf(last), undefined);
  const difference = totals!.map((count, i) => (count === undefined ? undefined : count - (before?.[i] ?? 0)));
  return difference.some((count) => (count ?? 0) < 0)
    ? SKIPPED.backwards
    : toCall(session, record, difference, undefined);
}

function coverIn({ providerId, plan }: Session): CoveredBy {
  return coverOfCodex(providerId ?? null, plan ?? null);
}

function countsOf(usage: Values | undefined): Counts {
  return COUNTS.map((name) => countAt(usage, name));
}

function toCall(session: Session, record: Values, counts: Counts, responseId: string | undefined): FoundCall | string {
  const endedAtMs = timeAt(record, "timestamp");
  if (endedAtMs === undefined) return SKIPPED.noTime;
  const [input, cached, output, writes, reasoning] = counts;
  if (input === undefined || output === undefined || counts.some(Number.isNaN)) return SKIPPED.badCounts;
  const thread = session.thread;
  const own = responseId ?? `${thread ?? ""}:${endedAtMs}:${counts.join("/")}`;
  const evidence = [input, cached ?? null, output];
  return {
    id: `codex:${own}`,
    key: `codex:${own}`,
    startedAtMs: endedAtMs,
    application: session.originator ?? "codex",
    provider: "openai",
    model: session.model ?? UNKNOWN_MODEL,
    sessionId: thread,
    responseId,
    otherIds: evidenceOf("codex", thread ?? null, evidence, endedAtMs),
    counts: {
      input_tokens: input,
      output_tokens: output,
      ...(cached !== undefined && { cache_read_tokens: cached }),
      ...(writes !== undefined && { cache_write_tokens: writes }),
      ...(reasoning !== undefined && { reasoning_tokens: reasoning }),
    },
    tokens: input + output,
    coveredBy: coverIn(session),
    tags: { effort: session.effort },
    repository: session.repository,
    branch: session.branch,
  };
}
