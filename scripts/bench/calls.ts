/** Calls for the benchmarks, in the native form: seeded, each with an id and a trace id of its own. */
import { createHash } from "node:crypto";

export const APPLICATIONS = ["assistant", "search", "support", "codegen", "batch"];
export const MODELS: readonly [provider: string, model: string][] = [
  ["openai", "gpt-4o"],
  ["openai", "gpt-4o-mini"],
  ["openai", "gpt-5-mini"],
  ["openai", "text-embedding-3-small"],
  ["anthropic", "claude-sonnet-4-5"],
  ["anthropic", "claude-haiku-4-5"],
  ["anthropic", "claude-opus-4-1"],
  ["google", "gemini-2.5-pro"],
  ["google", "gemini-2.5-flash"],
  ["mistral", "mistral-large-latest"],
];

export type Call = Record<string, unknown>;

/** Labels of a call: its user, a team and a feature. */
export const LABELS = 3;
/** Further tags, as coding agents have them, with the number of their values. */
const MORE_TAGS: readonly [key: string, values: number][] = [
  ["agent", 4],
  ["repository", 40],
  ["branch", 200],
  ["skill", 12],
  ["query_source", 6],
  ["effort", 3],
  ["subagent", 8],
  ["mcp_server", 10],
];
export const MOST_LABELS = LABELS + MORE_TAGS.length;

/**
 * An endless source of calls that start within the five minutes before `nowMs`; another prefix has other ids.
 *
 * @param labels of each call, from `LABELS` to `MOST_LABELS`.
 */
export function* calls(nowMs: number, prefix: string, labels = LABELS): Generator<Call, never> {
  const more = MORE_TAGS.slice(0, labels - LABELS);
  const traceIds = createHash("sha256").update(prefix).digest("hex").slice(0, 16);
  let seed = 1;
  const below = (n: number): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * n);
  };
  for (let i = 0; ; i++) {
    const [provider, model] = MODELS[below(MODELS.length)]!;
    const input = 200 + below(8_000);
    yield {
      id: `${prefix}-${i}`,
      timestamp: new Date(nowMs - below(300_000)).toISOString(),
      provider,
      model,
      application: APPLICATIONS[below(APPLICATIONS.length)],
      environment: below(10) === 0 ? "staging" : "production",
      operation: model.startsWith("text-embedding") ? "embeddings" : "chat",
      user_id: `user-${below(500)}`,
      session_id: `session-${below(5_000)}`,
      trace_id: traceIds + (i + 1).toString(16).padStart(16, "0"),
      duration_ms: 300 + below(6_000_000) / 1_000,
      status: "ok",
      input_tokens: input,
      output_tokens: model.startsWith("text-embedding") ? 0 : 20 + below(900),
      cache_read_tokens: below(2) === 0 ? below(input) : 0,
      tags: {
        team: `team-${below(8)}`,
        feature: `feature-${below(20)}`,
        ...Object.fromEntries(more.map(([key, values]) => [key, `${key}-${below(values)}`])),
      },
    };
  }
}

/** The next `count` of a source. */
export function take<T>(source: Iterator<T>, count: number): T[] {
  return Array.from({ length: count }, () => source.next().value as T);
}
