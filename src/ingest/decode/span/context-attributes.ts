/**
 * The attribute names of a call's context, which are its user, session and tags, in order of priority. `attributes.ts`
 * has the others.
 */
import type { AgentTag } from "../../../ledger/agent-tags.ts";

/** Coding agents name the person, the account and the installation. */
export const PERSONS = {
  email: ["user.email"],
  account: ["user.account_uuid", "user.account_id", "gen_ai.user.id"],
  install: ["user.id", "installation.id"],
} as const;
export type PersonKind = keyof typeof PERSONS;
/** The attributes that name the user of a coding agent, in order of priority. */
export type Persons = readonly string[];

/** @param kinds in order of priority. A kind that is left out is not taken. */
export function personsOf(kinds: readonly PersonKind[]): Persons {
  return kinds.flatMap((kind) => PERSONS[kind]);
}

export const PERSON_KINDS = Object.keys(PERSONS) as PersonKind[];
export const DEFAULT_PERSONS: Persons = personsOf(PERSON_KINDS);
export const USER = [
  "user.id",
  "langfuse.user.id",
  "langsmith.metadata.user_id",
  "langsmith.metadata.userId",
  "langwatch.user.id",
  "keywordsai.customer_params.customer_identifier",
  "respan.customer_params.customer_identifier",
  "enduser.id",
  "ai.telemetry.metadata.userId",
  "traceloop.association.properties.user_id",
  "llm.user",
  "metadata.user_api_key_user_id",
  "metadata.user_api_key_end_user_id",
  "ai.settings.context.userId",
  "mastra.metadata.userId",
  "traceloop.association.properties.userId",
  "lmnr.association.properties.user_id",
  "metadata.userId",
];
export const SESSION = [
  "gen_ai.conversation.id",
  "session.id",
  "langfuse.session.id",
  "langsmith.metadata.session_id",
  "langsmith.metadata.thread_id",
  "langsmith.metadata.conversation_id",
  "langsmith.metadata.sessionId",
  "langwatch.thread.id",
  "keywordsai.threads.thread_identifier",
  "respan.threads.thread_identifier",
  "traceloop.association.properties.session_id",
  "traceloop.association.properties.sessionId",
  "lmnr.association.properties.session_id",
  "ai.telemetry.metadata.sessionId",
  "ai.settings.context.sessionId",
  "mastra.metadata.sessionId",
  "metadata.sessionId",
  "gcp.vertex.agent.session_id",
  "conversation.id",
];
/** OpenInference's JSON document, and the user and session inside it. */
export const METADATA = "metadata";
export const METADATA_USER = ["userId", "user_id"];
export const METADATA_SESSION = ["sessionId", "session_id", "thread_id"];

export const TAG_PREFIXES = [
  "traceloop.association.properties.",
  "langfuse.trace.metadata.",
  "ai.telemetry.metadata.",
  "metadata.",
  "ai.settings.context.",
  "mastra.metadata.",
  "trace.metadata.",
  "lmnr.association.properties.metadata.",
  "langsmith.metadata.",
  "keywordsai.metadata.",
  "respan.metadata.",
];
/** Under these a value is JSON: a text has its quotes. */
export const JSON_TAGS = /^(keywordsai|respan)\.metadata\./;
/** Lists of tags without a key. They become one tag named `tag`. */
export const TAG_LISTS = ["langfuse.trace.tags", "mastra.tags", "tag.tags", "langsmith.span.tags", "langwatch.tags"];
/** How LangChain numbers the steps of a sequence, among the tags. */
export const STEP_TAG = /^(seq|map|graph):(step|key):/;
/** Tags of a resource, and the attributes that hold them. */
export const RESOURCE_TAGS: readonly (readonly [tag: AgentTag, names: readonly string[]])[] = [
  ["team", ["team", "team.id"]],
  ["department", ["department"]],
  ["cost_center", ["cost_center"]],
];
/** The code that a call was made for: OpenTelemetry's names, newest first, and Copilot's. `code-tags.ts` reads them. */
export const CODE = {
  repositoryUrl: ["vcs.repository.url.full", "github.copilot.git.repository", "copilot_chat.repo.remote_url"],
  repositoryName: ["vcs.repository.name"],
  owner: ["vcs.owner.name"],
  branch: [
    "vcs.ref.head.name",
    "vcs.repository.ref.name",
    "github.copilot.git.branch",
    "copilot_chat.repo.head_branch_name",
  ],
  referenceKind: ["vcs.ref.head.type", "vcs.ref.type", "vcs.repository.ref.type"],
  pullRequest: ["vcs.change.id", "vcs.repository.change.id"],
} as const;
/** The same on resources only: on a span or a scope these may be anything. */
export const CODE_OF_RESOURCES = { repository: "repository", branch: "branch", pullRequest: "pull_request" } as const;
export const CODE_NAMES: readonly string[] = Object.values(CODE).flat();
/** Keys of metadata by which frameworks keep their own state. Nobody groups costs by a checkpoint. */
export const NOT_TAGS = /^(ls_|langgraph_|checkpoint_ns$|LANGSMITH_|LANGCHAIN_|usage_metadata$|versions$)/;
/** Such names under a tag prefix. Mastra puts the provider's whole response there, with its headers. */
export const BOOKKEEPING = [
  ...prefixed("mastra.metadata.", ["body", "headers", "modelMetadata", "providerMetadata"]),
  ...prefixed("mastra.metadata.", ["runId", "toolCallId", "toolName"]),
  ...prefixed("trace.metadata.openrouter.", ["api_key_hash", "creator_user_id", "entity_id", "finish_reason"]),
  ...prefixed("trace.metadata.openrouter.", ["input_unit_price", "output_unit_price", "source", "user_id"]),
];

/** The names of user, session and tags. Most spans have none of them. */
export const IDENTITIES: ReadonlySet<string> = new Set([...USER, ...SESSION, ...TAG_LISTS, METADATA, ...CODE_NAMES]);

function prefixed(prefix: string, names: readonly string[]): string[] {
  return names.map((name) => prefix + name);
}
