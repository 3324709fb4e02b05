/** The cast of the demo: a company with six applications, the models that they call, and the rhythm of their days. */

export interface Model {
  provider: string;
  model: string;
  operation?: "chat" | "embeddings";
  /** Medians; sizes are log-normal around them. */
  input: number;
  output: number;
  /** Share of the input that a cache may serve, and how often it does. */
  cache?: { share: number; hits: number; writes?: "5m" | "1h" };
  /** Share of the output that is reasoning. */
  reasoning?: number;
  /** Share of input and output that is audio. */
  audio?: number;
  /** Until the first token, and per output token: ms. */
  latency: { first: number; perToken: number; sigma: number };
  errors: { rate: number; types: readonly string[] };
}

/** A model's part in an application; `from` and `until` are shares of the whole period. */
export interface Use {
  model: Model;
  weight: number;
  from?: number;
  until?: number;
}

export interface Application {
  name: string;
  team: string;
  /** Share of all calls. */
  share: number;
  /** Of these, how many come from staging. */
  staging: number;
  features: Readonly<Record<string, number>>;
  users: number;
  /** Traffic on a Saturday or Sunday against a weekday's. */
  weekend: number;
  /** UTC hour of the busiest time, how wide it is in hours, and what remains at the quietest. */
  day: { peak: number; width: number; floor: number };
  uses: readonly Use[];
  tiers?: Readonly<Record<string, number>>;
}

const openai = ["rate_limit_exceeded", "server_error", "timeout", "context_length_exceeded"];
const anthropic = ["overloaded_error", "rate_limit_error", "timeout", "api_error"];
const google = ["RESOURCE_EXHAUSTED", "UNAVAILABLE", "DEADLINE_EXCEEDED"];

const sonnet: Model = {
  provider: "anthropic",
  model: "claude-sonnet-5",
  input: 5_200,
  output: 380,
  cache: { share: 0.7, hits: 0.82, writes: "5m" },
  latency: { first: 900, perToken: 13, sigma: 0.35 },
  errors: { rate: 0.012, types: anthropic },
};
const haiku: Model = {
  provider: "anthropic",
  model: "claude-haiku-4-5",
  input: 900,
  output: 60,
  latency: { first: 350, perToken: 7, sigma: 0.3 },
  errors: { rate: 0.006, types: anthropic },
};
const opus: Model = {
  provider: "anthropic",
  model: "claude-opus-5",
  input: 42_000,
  output: 900,
  cache: { share: 0.88, hits: 0.93, writes: "1h" },
  reasoning: 0.35,
  latency: { first: 1_800, perToken: 18, sigma: 0.4 },
  errors: { rate: 0.015, types: anthropic },
};
const gpt: Model = {
  provider: "openai",
  model: "gpt-5.4",
  input: 11_000,
  output: 1_500,
  cache: { share: 0.4, hits: 0.55 },
  reasoning: 0.6,
  latency: { first: 1_200, perToken: 11, sigma: 0.45 },
  errors: { rate: 0.01, types: openai },
};
/** The successor: 20% off both prices, and it thinks a little longer. */
const gptNext: Model = { ...gpt, model: "gpt-5.6-terra", output: 1_700, reasoning: 0.65 };
const gptSmall: Model = {
  ...gpt,
  model: "gpt-5-mini",
  input: 2_400,
  output: 420,
  reasoning: 0.4,
  latency: { first: 700, perToken: 7, sigma: 0.4 },
};
const embedding: Model = {
  provider: "openai",
  model: "text-embedding-3-small",
  operation: "embeddings",
  input: 480,
  output: 0,
  latency: { first: 85, perToken: 0, sigma: 0.4 },
  errors: { rate: 0.002, types: openai.slice(0, 3) },
};
const realtime: Model = {
  provider: "openai",
  model: "gpt-realtime",
  input: 1_900,
  output: 520,
  audio: 0.6,
  latency: { first: 420, perToken: 9, sigma: 0.3 },
  errors: { rate: 0.018, types: ["session_expired", "rate_limit_exceeded", "timeout"] },
};
const gemini: Model = {
  provider: "google",
  model: "gemini-3.5-flash",
  input: 8_600,
  output: 340,
  cache: { share: 0.5, hits: 0.3 },
  reasoning: 0.2,
  latency: { first: 520, perToken: 5, sigma: 0.35 },
  errors: { rate: 0.009, types: google },
};
/** Long documents: past 200,000 input tokens the whole call costs more. */
const geminiPro: Model = {
  provider: "google",
  model: "gemini-3.1-pro-preview",
  input: 96_000,
  output: 1_100,
  reasoning: 0.5,
  latency: { first: 3_200, perToken: 10, sigma: 0.4 },
  errors: { rate: 0.02, types: google },
};
/** Costs twice as much at its peak hours, 01-04 and 06-10 UTC. */
const deepseek: Model = {
  provider: "deepseek",
  model: "deepseek-v4-flash",
  input: 2_100,
  output: 260,
  cache: { share: 0.6, hits: 0.7 },
  latency: { first: 1_100, perToken: 16, sigma: 0.5 },
  errors: { rate: 0.014, types: ["server_overloaded", "timeout"] },
};
const mistral: Model = {
  provider: "mistral",
  model: "mistral-small-latest",
  input: 1_300,
  output: 210,
  latency: { first: 380, perToken: 6, sigma: 0.35 },
  errors: { rate: 0.008, types: ["rate_limited", "timeout"] },
};
/** Nobody's catalogue knows it: shows how unpriced calls look. */
const ownModel: Model = {
  provider: "vllm",
  model: "nordlicht-support-lora",
  input: 1_100,
  output: 180,
  latency: { first: 240, perToken: 8, sigma: 0.25 },
  errors: { rate: 0.004, types: ["timeout"] },
};

export const APPLICATIONS: readonly Application[] = [
  {
    name: "support-assistant",
    team: "support",
    share: 0.3,
    staging: 0.06,
    features: { answer: 6, triage: 3, summary: 1 },
    users: 420,
    weekend: 0.65,
    day: { peak: 14, width: 5.5, floor: 0.12 },
    uses: [
      { model: sonnet, weight: 60 },
      { model: haiku, weight: 38 },
      { model: ownModel, weight: 2, from: 0.2 },
    ],
  },
  {
    name: "doc-search",
    team: "knowledge",
    share: 0.26,
    staging: 0.08,
    features: { search: 7, indexing: 2, report: 1 },
    users: 260,
    weekend: 0.3,
    day: { peak: 10, width: 4.5, floor: 0.06 },
    uses: [
      { model: embedding, weight: 62 },
      { model: gemini, weight: 35 },
      { model: geminiPro, weight: 3 },
    ],
  },
  {
    name: "code-review",
    team: "platform",
    share: 0.15,
    staging: 0.1,
    features: { review: 6, suggest: 3, "commit-message": 1 },
    users: 85,
    weekend: 0.12,
    day: { peak: 15, width: 4, floor: 0.03 },
    uses: [
      { model: gpt, weight: 70, until: 0.55 },
      { model: gptNext, weight: 70, from: 0.55 },
      { model: gptSmall, weight: 30 },
    ],
    tiers: { default: 88, flex: 12 },
  },
  {
    name: "coding-agent",
    team: "platform",
    share: 0.07,
    staging: 0.03,
    features: { implement: 5, debug: 3, refactor: 2 },
    users: 48,
    weekend: 0.2,
    day: { peak: 13, width: 5, floor: 0.05 },
    uses: [
      { model: opus, weight: 75 },
      { model: haiku, weight: 25 },
    ],
  },
  {
    name: "voice-concierge",
    team: "mobile",
    share: 0.05,
    staging: 0.12,
    features: { booking: 5, "small-talk": 2, handover: 1 },
    users: 310,
    weekend: 1.25,
    day: { peak: 18, width: 4, floor: 0.08 },
    uses: [{ model: realtime, weight: 1 }],
  },
  {
    name: "catalog-enrichment",
    team: "data",
    share: 0.17,
    staging: 0.02,
    features: { describe: 6, classify: 3, translate: 2 },
    users: 0,
    weekend: 1,
    day: { peak: 3, width: 3, floor: 0.1 },
    uses: [
      { model: deepseek, weight: 64 },
      { model: mistral, weight: 36 },
    ],
  },
];
