/** What pays for a call, by each agent's own words. Nothing is guessed: without a word it is unknown. */
import { expect, it } from "vitest";
import type { CoveredBy } from "../../../src/ledger/covered-by.ts";
import {
  coverBySignIn,
  coverOfClaudeCode,
  coverOfCline,
  coverOfCodex,
  coverOfCopilot,
  coverOfCursor,
  coverOfOpencode,
} from "../../../src/ingest/decode/covered-by.ts";

const CASES: [agent: string, covers: Record<CoveredBy, CoveredBy[]>][] = [
  [
    "Codex, Gemini CLI and Qwen Code by their sign-in",
    {
      api: ["ApiKey", "apikey", "gemini-api-key", "vertex-ai", "openai", "gemini", "anthropic"].map(coverBySignIn),
      plan: ["ChatGPT", "Chatgpt", "chatgptAuthTokens", "oauth-personal", "cloud-shell", "qwen-oauth"].map(
        coverBySignIn,
      ),
      unknown: ["", null, "gateway", "AgentIdentity"].map(coverBySignIn),
    },
  ],
  [
    "Claude Code by its plan and seat",
    {
      api: [
        coverOfClaudeCode("aws", "max", null),
        coverOfClaudeCode("google", null, null),
        coverOfClaudeCode("anthropic", "enterprise", "usage_based"),
      ],
      plan: ["pro", "max", "team", "enterprise"].map((plan) => coverOfClaudeCode("anthropic", plan, "premium")),
      unknown: [null, "free", ""].map((plan) => coverOfClaudeCode("anthropic", plan, null)),
    },
  ],
  [
    "Copilot by credits and servers",
    {
      api: [coverOfCopilot("github", "127.0.0.1", false), coverOfCopilot("anthropic", null, false)],
      plan: [coverOfCopilot("github", null, true), coverOfCopilot("github", "api.githubcopilot.com", false)],
      unknown: [coverOfCopilot("github", null, false), coverOfCopilot(null, null, false)],
    },
  ],
  [
    "Cline and Roo Code by their provider",
    {
      api: ["anthropic", "openrouter", "cline", "openai-native"].map(coverOfCline),
      plan: ["openai-codex", "qwen-code", "vscode-lm"].map(coverOfCline),
      unknown: [null, "claude-code"].map(coverOfCline),
    },
  ],
  [
    "opencode by its provider and cost",
    {
      api: [
        coverOfOpencode("anthropic", true),
        coverOfOpencode("amazon-bedrock", false),
        coverOfOpencode("aws", false),
      ],
      plan: [coverOfOpencode("github-copilot", false)],
      unknown: [coverOfOpencode("anthropic", false), coverOfOpencode("openai", false), coverOfOpencode(null, false)],
    },
  ],
  [
    "Cursor by its kind",
    {
      api: ["On-Demand", "Usage-based", "usage based"].map(coverOfCursor),
      plan: ["Included", "Included in Pro"].map(coverOfCursor),
      unknown: ["", "Errored, No Charge", "Not included"].map(coverOfCursor),
    },
  ],
  [
    "Codex's files by limits and provider",
    {
      api: [coverOfCodex("azure", null)],
      plan: [coverOfCodex("openai", "plus"), coverOfCodex(null, "business")],
      unknown: [coverOfCodex("openai", null), coverOfCodex(null, "unknown"), coverOfCodex(null, null)],
    },
  ],
];

it.each(CASES)("%s", (_, covers) => {
  for (const [wanted, found] of Object.entries(covers)) expect(found).toEqual(found.map(() => wanted));
});
