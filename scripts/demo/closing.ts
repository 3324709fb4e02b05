/** What the demo says at its end: what the ledger now holds, and what to ask it next. */
import type { Ledger } from "../client/ledger.ts";
import { sendPatiently } from "../client/patience.ts";
import type { Server } from "../client/server.ts";

export interface Period {
  fromMs: number;
  toMs: number;
}

interface Totals {
  requests: number;
  errors: number;
  total_tokens: number;
  cost_usd: string | null;
  unpriced_requests: number;
}

/** The ledger's own sums of the period, which hold everything in it, not only this run. */
export async function totalsSentence(ledger: Ledger, period: Period): Promise<string> {
  try {
    const path = `/v1/summary?${range(period)}`;
    const { status, body } = await sendPatiently(ledger, { path, headers: { "cache-control": "no-cache" } });
    if (status !== 200) return `The summary cannot be shown: GET /v1/summary gave ${status}.`;
    const { totals } = JSON.parse(String(body)) as { totals: Totals };
    const number = (n: number): string => n.toLocaleString("en-US");
    return (
      `From ${day(period.fromMs)} to ${day(period.toMs - 1)} the ledger holds ${number(totals.requests)} calls, ` +
      `${number(totals.total_tokens)} tokens and $${totals.cost_usd ?? "?"}; ` +
      `${number(totals.errors)} failed, ${number(totals.unpriced_requests)} have no known price.`
    );
  } catch (error) {
    return `The summary cannot be shown: ${(error as Error).message}`;
  }
}

/** Two commands to paste. Only the dev server's own key is written out. */
export function examples(server: Server, period: Period): string {
  const key = server.keyIsLocal ? server.key : "$LLM_COST_KEY";
  const ask = (query: string): string =>
    `  curl -s '${server.url}/v1/summary?${range(period)}&${query}' -H "authorization: Bearer ${key}"`;
  return [
    "Who spends it, by application and model:",
    ask("group_by=application,model"),
    "Day by day and team, with latencies: one day stands out, and in code-review the model changes.",
    ask("interval=day&group_by=tag.team&include=latency"),
  ].join("\n");
}

function range({ fromMs, toMs }: Period): string {
  return `from=${day(fromMs)}&to=${day(toMs)}`;
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
