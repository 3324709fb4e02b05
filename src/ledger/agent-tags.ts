/**
 * The tags that our own readers give calls of coding agents. A call with the tag `agent` is one. Its other tags are the
 * caller's own.
 */

export const AGENT = "agent";
/** In the order in which they are rolled up if a call has more tags than are rolled up. The caller's own come first. */
export const AGENT_TAGS = [
  "team",
  "repository",
  "branch",
  AGENT,
  "skill",
  "query_source",
  "department",
  "cost_center",
  "subagent",
  "mcp_server",
  "mcp_tool",
  "plugin",
  "effort",
  "role",
] as const;
export type AgentTag = (typeof AGENT_TAGS)[number];
