/** The coding agents whose own counters are compared with the ledger, and the calls that are theirs. */
import { sql, type SQL } from "drizzle-orm";
import { constants } from "../db/sql.ts";

interface Agent {
  /** What the rules of its log events begin with. */
  rule?: string;
  /** Its names as a service, as a regular expression. A service may be named otherwise: then rule or tag must tell. */
  service: string;
}

const AGENTS = {
  "claude-code": { rule: "claude_code.", service: "^claude-code$" },
  codex: { rule: "codex.", service: "^codex" },
  "gemini-cli": { rule: "gemini_cli.", service: "^gemini-cli$" },
  "qwen-code": { rule: "qwen-code.", service: "^qwen-code$" },
  copilot: { service: "^(github-copilot|copilot-chat)$" },
} as const satisfies Record<string, Agent>;

export type AgentName = keyof typeof AGENTS;
export const AGENT_NAMES = Object.keys(AGENTS) as AgentName[];

/** The agent whose call `t` is, by its rule, its tag or its application. Null if none is shown. */
export const AGENT_OF_CALL: SQL = sql`case ${sql.join(
  Object.entries(AGENTS).flatMap(([name, agent]) =>
    "rule" in agent ? [sql`when starts_with(t.rule, ${agent.rule}) then ${name}`] : [],
  ),
  sql` `,
)} when t.tags ->> 'agent' in (${constants(AGENT_NAMES)}) then t.tags ->> 'agent' ${sql.join(
  Object.entries(AGENTS).map(([name, { service }]) => sql`when t.application ~ ${service} then ${name}`),
  sql` `,
)} end`.inlineParams();
