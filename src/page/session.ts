/** Who is signed in. The cookie is the browser's alone: nothing here can read it. */
import type { components } from "./api.d.ts";
import { OFFLINE, type Problem, problemOf } from "./problem.ts";
import { createStore } from "./store.ts";

/** Its project is null for the admin key's, which chooses one. */
export type PageSession = components["schemas"]["PageSession"];

export type SignedIn =
  | { state: "asking" }
  /** `last`: the session that ended by itself. Its view waits for the next one. */
  | { state: "out"; last: PageSession | null }
  | { state: "in"; session: PageSession };

export const signedIn = createStore<SignedIn>({ state: "asking" });

const PROJECT = "project";
/** The project that a session of the admin key looks at. */
export const chosenProject = createStore<string | null>(localStorage.getItem(PROJECT));

export function chooseProject(id: string): void {
  localStorage.setItem(PROJECT, id);
  chosenProject.set(id);
}

/** The session of the last visit. Asking for one that never was would be an error in the browser's console. */
const WAS_IN = "signed-in";

/**
 * Finds the session of an earlier visit. What the last visit knew of it holds until the answer is there, so a view asks
 * its own questions at once: who is signed in is decided by the cookie alone.
 */
export async function resume(): Promise<void> {
  const kept = localStorage.getItem(WAS_IN);
  if (kept === null) return signedIn.set({ state: "out", last: null });
  const known = sessionOf(kept);
  if (known) signedIn.set({ state: "in", session: known });
  const { session, problem } = await ask("GET");
  if (session) return enter(session);
  if (problem?.status === 401) localStorage.removeItem(WAS_IN);
  if (problem?.status === 401 || !known) signedIn.set({ state: "out", last: null });
}

/** Null if it is over, or was kept by another version of the page. */
function sessionOf(kept: string): PageSession | null {
  try {
    const session = JSON.parse(kept) as PageSession;
    return Array.isArray(session.scopes) && Date.parse(session.expires_at) > Date.now() ? session : null;
  } catch {
    return null;
  }
}

function enter(session: PageSession): void {
  const text = JSON.stringify(session);
  localStorage.setItem(WAS_IN, text);
  const now = signedIn.get();
  if (now.state !== "in" || JSON.stringify(now.session) !== text) signedIn.set({ state: "in", session });
}

/** The key of this visit's sign-in, for snippets that send calls. It is in memory alone: a reload forgets it. */
let typed: string | null = null;

export function keyOfVisit(): string | null {
  const now = signedIn.get();
  const mayIngest =
    now.state === "in" && (now.session.scopes.includes("ingest") || now.session.scopes.includes("admin"));
  return mayIngest ? typed : null;
}

/** @returns why not; null if it worked. */
export async function signIn(key: string): Promise<Problem | null> {
  const { session, problem } = await ask("POST", { key });
  if (session) {
    typed = session.is_admin_key ? null : key;
    enter(session);
  }
  return problem;
}

export async function signOut(): Promise<void> {
  const { problem } = await ask("DELETE");
  // Without an answer the session may still be there, and saying otherwise would be wrong.
  if (problem !== null && problem.status !== 401) return;
  localStorage.removeItem(WAS_IN);
  typed = null;
  signedIn.set({ state: "out", last: null });
}

/** A request was refused because the session is over. */
export function endSession(): void {
  const now = signedIn.get();
  if (now.state !== "in") return;
  localStorage.removeItem(WAS_IN);
  typed = null;
  signedIn.set({ state: "out", last: now.session });
}

export function mayRead({ scopes, is_admin_key: isAdminKey }: PageSession): boolean {
  return isAdminKey || scopes.includes("read") || scopes.includes("admin");
}

export function isAdmin({ scopes, is_admin_key: isAdminKey }: PageSession): boolean {
  return isAdminKey || scopes.includes("admin");
}

async function ask(method: string, body?: unknown): Promise<{ session: PageSession | null; problem: Problem | null }> {
  try {
    const response = await fetch("/v1/session", {
      method,
      ...(body !== undefined && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
    const answer: unknown = response.status === 204 ? null : await response.json();
    if (response.ok) return { session: answer as PageSession | null, problem: null };
    return { session: null, problem: problemOf(response.status, answer) };
  } catch {
    return { session: null, problem: OFFLINE };
  }
}
