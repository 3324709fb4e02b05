/** One batch to `POST /v1/traces`. Sending it again is always safe: calls are deduplicated by their identity. */
import { CommandError } from "../command.ts";
import type { Ledger } from "./ledger.ts";
import { type Patience, sendPatiently } from "./patience.ts";

/** What the ledger says of a batch. In queue mode `inserted` and `duplicates` are not known yet. */
export interface Acknowledgement {
  accepted: number;
  inserted?: number;
  duplicates?: number;
  rejected: number;
  errors: { index: number; code: string; message: string }[];
}

/**
 * @param body a JSON array of native traces.
 * @throws CommandError when the server refuses, or does not answer.
 */
export async function postTraces(ledger: Ledger, body: string, patience?: Patience): Promise<Acknowledgement> {
  const answer = await sendPatiently(ledger, { path: "/v1/traces", body }, patience);
  return read(ledger.url, answer.status, String(answer.body));
}

function read(url: string, status: number, text: string): Acknowledgement {
  const said = parse(text);
  const isAcknowledgement = typeof said?.accepted === "number" && Array.isArray(said.errors);
  // A batch without one acceptable row is a 400 that carries the same account of its rows.
  if (isAcknowledgement && (status === 200 || status === 202 || said.code === "all_rejected")) return said;
  if (status === 401) {
    throw new CommandError(`${url} does not know this key (401): give another with --key or LLM_COST_KEY.`);
  }
  if (status === 403) throw new CommandError(`This key may not send calls (403): it needs the scope "ingest".`);
  const detail = said?.detail ?? text.slice(0, 200);
  throw new CommandError(`POST ${url}/v1/traces gave ${status}${detail ? `: ${detail}` : ""}.`);
}

function parse(text: string): (Acknowledgement & { code?: string; detail?: string }) | null {
  try {
    return JSON.parse(text) as Acknowledgement;
  } catch {
    return null;
  }
}
