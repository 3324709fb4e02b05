/**
 * What pays for the calls of coding agents, by what they say. They may be signed in to a plan or have the key of an API.
 * Where nothing says which of the two it was, it is unknown. All other emitters call APIs.
 */
import type { CoveredBy } from "../../ledger/covered-by.ts";

/** The names of ways to sign in, in lower case and without punctuation. */
const SIGN_INS = new Map<string, CoveredBy>([
  ["apikey", "api"],
  ["geminiapikey", "api"],
  ["vertexai", "api"],
  ["openai", "api"],
  ["anthropic", "api"],
  ["gemini", "api"],
  ["chatgpt", "plan"],
  ["chatgptauthtokens", "plan"],
  // Google's Code Assist.
  ["oauthpersonal", "plan"],
  ["computedefaultcredentials", "plan"],
  ["cloudshell", "plan"],
  ["qwenoauth", "plan"],
]);

/** Codex's `auth_mode`, and the `auth_type` of Gemini CLI and Qwen Code. */
export function coverBySignIn(signIn: string | null): CoveredBy {
  return SIGN_INS.get((signIn ?? "").toLowerCase().replace(/[^a-z]/g, "")) ?? "unknown";
}

const CLAUDE_PLANS = new Set(["pro", "max", "team", "enterprise"]);

/**
 * Claude Code names its plan and its kind of seat. Without a plan it may have a key, or a token of a plan. Bedrock,
 * Vertex and Foundry are paid for as used.
 */
export function coverOfClaudeCode(provider: string, plan: string | null, seat: string | null): CoveredBy {
  if (provider !== "anthropic" || seat === "usage_based") return "api";
  return CLAUDE_PLANS.has(plan ?? "") ? "plan" : "unknown";
}

/** With a provider of the user's own nothing goes to GitHub, and nothing is billed in credits. */
export function coverOfCopilot(provider: string | null, server: string | null, inCredits: boolean): CoveredBy {
  if (inCredits || /github/i.test(server ?? "")) return "plan";
  return server !== null || (provider !== null && provider !== "github") ? "api" : "unknown";
}

/** Names of providers that stand for a plan, in the settings of agents that work with many. */
const PLANS = new Set(["github-copilot", "copilot", "openai-codex", "qwen-code", "vscode-lm"]);

/** Cline and Roo Code have a key for every other provider. Claude Code may have either. */
export function coverOfCline(provider: string | null): CoveredBy {
  if (provider === null || provider === "claude-code") return "unknown";
  return PLANS.has(provider) ? "plan" : "api";
}

/** These have no plans. */
const WITHOUT_PLANS = /^(?:aws|amazon-bedrock|bedrock|azure|google-vertex|vertex|openrouter|opencode$|groq$|mistral)/;

/** opencode may be signed in to the plans of Anthropic, OpenAI and Google. It states no cost then. */
export function coverOfOpencode(provider: string | null, statesCost: boolean): CoveredBy {
  if (PLANS.has(provider ?? "")) return "plan";
  return statesCost || WITHOUT_PLANS.test(provider ?? "") ? "api" : "unknown";
}

/** The column `Kind` of Cursor's export, such as `Included` or `On-Demand`. */
export function coverOfCursor(kind: string): CoveredBy {
  if (/^included/i.test(kind)) return "plan";
  return /^(?:on[- ]demand|usage[- ]based)/i.test(kind) ? "api" : "unknown";
}

/** The plan that Codex's files name. `providerId` is that of its settings. */
export function coverOfCodex(providerId: string | null, plan: string | null): CoveredBy {
  if (plan !== null && plan !== "unknown") return "plan";
  return providerId !== null && providerId !== "openai" ? "api" : "unknown";
}
