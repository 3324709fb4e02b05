/** The coding agents whose own counters are compared with the ledger, and the calls that are theirs. */
import { sql, type SQL } from "drizzle-orm";
import { constants } from "../db/sql.ts";

interface Agent {
  /** What the rules of its log events begin with. */
  rule?: string;
  /** Its names as a service. A service may be named otherwise: then rule or tag must tell. */
  services: readonly string[];
  /** True if longer names may follow them. */
  open?: boolean;
}

const AGENTS = {
  "claude-code": { rule: "claude_code.", services: ["claude-code"] },
  codex: { rule: "codex.", services: ["codex"], open: true },
  "gemini-cli": { rule: "gemini_cli.", services: ["gemini-cli"] },
  "qwen-code": { rule: "qwen-code.", services: ["qwen-code"] },
  copilot: { services: ["github-copilot", "copilot-chat"] },
} as const satisfies Record<string, Agent>;

export type AgentName = keyof typeof AGENTS;
export const AGENT_NAMES = Object.keys(AGENTS) as AgentName[];

/** Without patterns: they took half of the time of a month's calls. */
function isNamed({ services, open = false }: Agent): SQL {
  if (!open) return sql`t.application in (${constants(services)})`;
  return sql`(${sql.join(
    services.map((service) => sql`starts_with(t.application, ${service})`),
    sql` or `,
  )})`;
}

/** The agent whose call `t` is, by its rule, its tag or its application. Null if none is shown. */
export const AGENT_OF_CALL: SQL = sql`case ${sql.join(
  Object.entries(AGENTS).flatMap(([name, agent]) =>
    "rule" in agent ? [sql`when starts_with(t.rule, ${agent.rule}) then ${name}`] : [],
  ),
  sql` `,
)} when t.tags ->> 'agent' in (${constants(AGENT_NAMES)}) then t.tags ->> 'agent' ${sql.join(
  Object.entries(AGENTS).map(([name, agent]) => sql`when ${isNamed(agent)} then ${name}`),
  sql` `,
)} end`.inlineParams();
