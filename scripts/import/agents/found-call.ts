/** One call that was found in an agent's files, and the native form in which it is sent: nothing else of a file leaves. */
import type { CostIs } from "../../../src/ledger/call.ts";
import type { CoveredBy } from "../../../src/ledger/covered-by.ts";
import { COUNTS } from "../../../src/ledger/counts.ts";
import type { Values } from "../row-to-trace.ts";

type CountName = (typeof COUNTS)[keyof typeof COUNTS]["name"];
export type FoundCounts = Partial<Record<CountName, number>>;

export interface FoundCall {
  /** The same whenever and wherever the same state of the call is read. */
  id: string;
  /** What copies of the call share, in this file or another. Copies with no more tokens are not sent. */
  key: string;
  /** A copy in a side chain is one of any call that has this key. */
  looseKey?: string | undefined;
  isCopy?: boolean | undefined;
  startedAtMs: number;
  durationMs?: number | undefined;
  application: string;
  provider?: string | undefined;
  model: string;
  requestModel?: string | undefined;
  sessionId?: string | undefined;
  responseId?: string | undefined;
  /** Other ids by which telemetry may know the call: of its request, or evidence. */
  otherIds: readonly string[];
  /** Counts as the ledger has them: input and output include their parts. */
  counts?: FoundCounts | undefined;
  /** The provider's own usage object, instead of counts. */
  usage?: Values | undefined;
  /** All tokens, to choose among copies and for the table. */
  tokens: number;
  serviceTier?: string | undefined;
  costUsd?: number | string | undefined;
  /** How the ledger's cost compares with the true one, if the file leaves out what is priced. */
  costIs?: CostIs | undefined;
  /** What pays for the call, as far as the file says it. */
  coveredBy?: CoveredBy | undefined;
  tags: Readonly<Record<string, string | undefined>>;
  /** Sent as tags only if they are asked for. */
  repository?: string | undefined;
  branch?: string | undefined;
  pullRequest?: string | undefined;
}

/** What the command line adds to every call. */
export interface Added {
  userId?: string | undefined;
  environment?: string | undefined;
  tags: Readonly<Record<string, string>>;
  withRepository: boolean;
  withBranch: boolean;
  withPullRequest: boolean;
  /** What pays for calls whose file does not say it. */
  coveredBy?: CoveredBy | undefined;
  /** For calls whose file names no model. */
  model?: string | undefined;
}

export const UNKNOWN_MODEL = "unknown";

export function toNative(call: FoundCall, added: Added): Values {
  const tags = kept({
    ...call.tags,
    ...(added.withRepository && { repository: call.repository }),
    ...(added.withBranch && { branch: call.branch }),
    ...(added.withPullRequest && { pull_request: call.pullRequest }),
    ...added.tags,
  });
  return kept({
    id: call.id,
    timestamp: new Date(call.startedAtMs).toISOString(),
    model: call.model === UNKNOWN_MODEL ? (added.model ?? call.model) : call.model,
    provider: call.provider,
    application: call.application,
    environment: added.environment,
    user_id: added.userId,
    session_id: call.sessionId,
    duration_ms: call.durationMs,
    request_model: call.requestModel,
    response_id: call.responseId,
    other_ids: call.otherIds.length > 0 ? call.otherIds : undefined,
    service_tier: call.serviceTier,
    cost_usd: call.costUsd,
    cost_is: call.costIs,
    covered_by: coverOf(call, added),
    ...call.counts,
    usage: call.usage,
    tags: Object.keys(tags).length > 0 ? tags : undefined,
  });
}

/** An agent may have a plan. So without a word it is unknown, and not what calls are by default. */
function coverOf({ coveredBy = "unknown" }: FoundCall, added: Added): CoveredBy {
  return coveredBy === "unknown" ? (added.coveredBy ?? coveredBy) : coveredBy;
}

function kept(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** Where a reader leaves what it finds, and counts what it skips. */
export interface Sink {
  call(found: FoundCall): void;
  skip(reason: string): void;
}

/** The reasons that several readers have. */
export const SKIPPED = {
  noTime: "without a time that can be read",
  badCounts: "counts that are not whole numbers from 0 on",
  backwards: "totals that go backwards, without the call's own counts",
  replayed: "history of another session, which that session's file has",
  unreadable: "lines that are not JSON",
  halfWritten: "half-written last lines, left for the next run",
  longLine: "lines longer than 16 MB",
  longFile: "files longer than 64 MB that can only be read as a whole",
  unreadableFile: "files that cannot be read",
  otherForm: "files of an unknown form",
  otherRecord: "lines that are no record",
  unreadableFolder: "folders that cannot be read",
  link: "symbolic links, which are not followed",
} as const;
