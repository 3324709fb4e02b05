/**
 * `/dev/demo`: the page's button that loads the demo. Only the dev stack has this route: the Worker that is deployed
 * knows nothing of it.
 *
 * It acts for who is signed in on the page, in the project that they look at, and only for the page itself. One load
 * runs at a time; asked again meanwhile, it tells how far that one is.
 */
import { type Request, Response } from "miniflare";

export const DEMO_PATH = "/dev/demo";
export const DEMO_WORKER = "demo";
/** A key that outlives its load by little, if the load is cut off. */
const KEY_MS = 60 * 60_000;
const LOCAL = new Set(["127.0.0.1", "localhost", "[::1]"]);

export interface DemoLoader {
  /** About how many there will be. */
  calls: number;
  /** Sends them with the key. @param onCalls hears how many were sent so far. */
  load(server: { url: string; key: string }, onCalls: (calls: number) => void): Promise<void>;
}

export interface DemoOptions {
  adminKey: string;
  loader: DemoLoader;
}

export interface DemoState {
  status: "none" | "running" | "done" | "failed";
  /** Of the latest load. */
  project_id: string | null;
  calls: number;
  of: number;
  error: string | null;
}

interface Session {
  project: { id: string } | null;
  scopes: string[];
  is_admin_key: boolean;
}

/** The options of Miniflare's Worker for it. @param ledger where the Worker is, once it is. */
export function demoWorker(options: DemoOptions, ledger: () => string, compatibilityDate: string) {
  const demo = createDemo(options, ledger);
  return {
    name: DEMO_WORKER,
    modules: true,
    script: `export default { fetch: (request, { DEMO }) => DEMO.fetch(request) };`,
    compatibilityDate,
    routes: [`*${DEMO_PATH}`],
    serviceBindings: { DEMO: demo },
  };
}

function createDemo({ adminKey, loader }: DemoOptions, ledger: () => string): (request: Request) => Promise<Response> {
  let state: DemoState = { status: "none", project_id: null, calls: 0, of: loader.calls, error: null };

  const load = async (projectId: string): Promise<void> => {
    state = { status: "running", project_id: projectId, calls: 0, of: loader.calls, error: null };
    try {
      const key = await makeKey(ledger(), adminKey, projectId, Date.now());
      await loader.load({ url: ledger(), key }, (calls) => void (state = { ...state, calls }));
      state = { ...state, status: "done" };
    } catch (error) {
      state = { ...state, status: "failed", error: (error as Error).message };
    }
  };

  return async (request) => {
    if (!isFromPage(request)) return refusal(403, "cross_origin", "only the page of this stack may ask this");
    if (request.method !== "GET" && request.method !== "POST")
      return refusal(405, "method_not_allowed", "this takes GET and POST");
    const projectId = await mayLoad(request, ledger());
    if (projectId === null) return refusal(403, "forbidden", "sign in on the page with a key of scope ingest first");
    if (request.method === "GET") return Response.json(state);
    // Nothing is awaited between the question and the load's beginning, so that two clicks begin one.
    if (state.status !== "running") void load(projectId);
    return Response.json(state, { status: 202 });
  };
}

/** Of the same origin, and by a name that no other site's DNS can give. */
function isFromPage({ url, headers }: Request): boolean {
  const { hostname, origin } = new URL(url);
  if (!LOCAL.has(hostname)) return false;
  const site = headers.get("sec-fetch-site");
  return site === null ? headers.get("origin") === origin : site === "same-origin";
}

/** The project that the session looks at; null if there is none, or it may not send calls. */
async function mayLoad(request: Request, ledger: string): Promise<string | null> {
  const response = await fetch(`${ledger}/v1/session`, { headers: { cookie: request.headers.get("cookie") ?? "" } });
  if (!response.ok) {
    await response.body?.cancel();
    return null;
  }
  const { project, scopes, is_admin_key: isAdminKey } = (await response.json()) as Session;
  if (isAdminKey) return request.headers.get("x-project-id");
  return scopes.includes("ingest") || scopes.includes("admin") ? (project?.id ?? null) : null;
}

async function makeKey(ledger: string, adminKey: string, projectId: string, nowMs: number): Promise<string> {
  const response = await fetch(`${ledger}/v1/keys`, {
    method: "POST",
    headers: { authorization: `Bearer ${adminKey}`, "content-type": "application/json" },
    body: JSON.stringify({ project_id: projectId, name: "demo", scopes: ["ingest"], expires_at: nowMs + KEY_MS }),
  });
  const { key, detail } = (await response.json()) as { key?: string; detail?: string };
  if (key === undefined) throw new Error(`there is no key to load it with: ${detail}`);
  return key;
}

function refusal(status: number, code: string, detail: string): Response {
  return Response.json(
    { type: "about:blank", status, code, detail },
    { status, headers: { "content-type": "application/problem+json" } },
  );
}
