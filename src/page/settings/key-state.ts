/** Whether a key works, and until when. */
import type { components } from "../api.d.ts";

export type ApiKey = components["schemas"]["ApiKey"];
export type KeyState = "works" | "replaced" | "expired" | "revoked";

/** A replaced key works until it expires. */
export function stateOf({ revoked_at, expires_at, replaced_by }: ApiKey, nowMs: number): KeyState {
  if (revoked_at !== null) return "revoked";
  if (expires_at !== null && Date.parse(expires_at) <= nowMs) return "expired";
  return replaced_by === null ? "works" : "replaced";
}

export function works(key: ApiKey, nowMs: number): boolean {
  const state = stateOf(key, nowMs);
  return state === "works" || state === "replaced";
}

/** Those that work first, the newest of them first. */
export function inOrder(keys: readonly ApiKey[], nowMs: number): ApiKey[] {
  return [...keys].sort(
    (a, b) => Number(works(b, nowMs)) - Number(works(a, nowMs)) || b.created_at.localeCompare(a.created_at),
  );
}
