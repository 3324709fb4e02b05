/**
 * The counters in which programs say themselves what they used. One that is not here is accepted and ignored. A row
 * names what each kind of token counts as: where cached tokens or thoughts are beside the total, they are added to it.
 */
import type { Emitter, Measure } from "../../../coverage/point.ts";

/** By the attribute that names the kind of token. A kind that is not there is ignored, such as totals. */
export type Kinds = Readonly<Record<string, readonly Measure[]>>;

export interface Counter {
  /** Null for a counter that repeats another one of the same program. */
  emitter: Emitter | null;
  /** The whole name, or the start of it if it ends with a dot. */
  name: string;
  /** The name of its scope or service, if the name is not the program's own. */
  from?: RegExp;
  /** The attribute that names the kind. Null if the rest of the name does. */
  kind: string | null;
  kinds: Kinds;
  /** An attribute that names the installation, for this emitter alone. */
  installation?: string;
  /** What they count as for models of Gemini, if that is another. */
  ofGemini?: Kinds;
}

const INPUT = ["input"] as const;
const OUTPUT = ["output"] as const;
const COST = ["cost"] as const;

/** It is made up when the program is installed, and is no person's. */
const CLAUDE_INSTALLATION = "user.id";

/** The counters of OpenTelemetry's newest conventions. The parts are inside the totals. */
const STANDARD: Kinds = {
  input_tokens: INPUT,
  output_tokens: OUTPUT,
  "cache_read.input_tokens": ["cache_read"],
  "cache_write.input_tokens": ["cache_write"],
  "cache_creation.input_tokens": ["cache_write"],
  "reasoning.output_tokens": ["reasoning"],
};
const USAGE = "gen_ai.client.inference.usage.";
const TOKEN_USAGE = "gen_ai.client.token.usage";
const TOKEN_TYPE = "gen_ai.token.type";

export const COUNTERS: readonly Counter[] = [
  {
    emitter: "claude-code",
    name: "claude_code.token.usage",
    kind: "type",
    kinds: {
      input: INPUT,
      output: OUTPUT,
      cacheRead: ["input", "cache_read"],
      cacheCreation: ["input", "cache_write"],
    },
    installation: CLAUDE_INSTALLATION,
  },
  {
    emitter: "claude-code",
    name: "claude_code.cost.usage",
    kind: null,
    kinds: { "": COST },
    installation: CLAUDE_INSTALLATION,
  },
  {
    emitter: "codex",
    name: "codex.turn.token_usage",
    kind: "token_type",
    kinds: {
      input: INPUT,
      output: OUTPUT,
      cached_input: ["cache_read"],
      cache_write_input: ["cache_write"],
      reasoning_output: ["reasoning"],
    },
  },
  {
    emitter: "gemini-cli",
    name: "gemini_cli.token.usage",
    kind: "type",
    kinds: { input: INPUT, tool: INPUT, output: OUTPUT, thought: ["output", "reasoning"], cache: ["cache_read"] },
  },
  {
    emitter: "qwen-code",
    name: "qwen-code.token.usage",
    kind: "type",
    kinds: { input: INPUT, output: OUTPUT, thought: ["reasoning"], cache: ["cache_read"] },
    ofGemini: { input: INPUT, output: OUTPUT, thought: ["output", "reasoning"], cache: ["cache_read"] },
  },
  { emitter: null, name: TOKEN_USAGE, from: /^(?:gemini-cli|qwen-code)/, kind: TOKEN_TYPE, kinds: {} },
  { emitter: "copilot", name: USAGE, from: /^(?:github.copilot|copilot-chat)/, kind: null, kinds: STANDARD },
  {
    emitter: "copilot",
    name: TOKEN_USAGE,
    from: /^copilot-chat/,
    kind: TOKEN_TYPE,
    kinds: { input: INPUT, output: OUTPUT },
  },
  { emitter: "otel", name: USAGE, kind: null, kinds: STANDARD },
  {
    emitter: "otel-token-usage",
    name: TOKEN_USAGE,
    kind: TOKEN_TYPE,
    kinds: { input: INPUT, output: OUTPUT, completion: OUTPUT },
  },
];

/** Those that some row reads, whatever their scope. */
export function isCounter(name: string): boolean {
  return COUNTERS.some((counter) => isNamed(counter, name));
}

export function counterOf(name: string, froms: readonly string[]): Counter | undefined {
  return COUNTERS.find(
    (counter) => isNamed(counter, name) && (!counter.from || froms.some((from) => counter.from!.test(from))),
  );
}

function isNamed({ name }: Counter, sent: string): boolean {
  return name.endsWith(".") ? sent.startsWith(name) : sent === name;
}
