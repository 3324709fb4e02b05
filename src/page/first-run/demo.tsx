/** "Load the demo", where the page's server has a demo. Only the stack on one's own machine has. */
import { useEffect, useState } from "preact/hooks";
import { formatCount } from "../figures.ts";
import { chosenProject, signedIn } from "../session.ts";
import { useStore } from "../store.ts";

/** The server says so in the document, so that nobody asks for what is not there. */
export const DEMO_PATH = document.querySelector<HTMLMetaElement>('meta[name="demo"]')?.content ?? null;

interface DemoState {
  status: "none" | "running" | "done" | "failed";
  project_id: string | null;
  calls: number;
  of: number;
  error: string | null;
}

const EVERY_MS = 500;

export function Demo({ onLoading }: { onLoading: (isLoading: boolean) => void }) {
  const now = useStore(signedIn);
  const project = useStore(chosenProject);
  const [state, setState] = useState<DemoState | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const session = now.state === "in" ? now.session : null;
  const isRunning = state?.status === "running";
  const ask = async (method: "GET" | "POST"): Promise<void> => {
    const headers = session?.is_admin_key && project !== null ? { "X-Project-Id": project } : {};
    try {
      const response = await fetch(DEMO_PATH!, { method, headers });
      if (!response.ok) throw new Error(((await response.json()) as { detail?: string }).detail);
      const next = (await response.json()) as DemoState;
      setWrong(next.status === "failed" ? (next.error ?? "") : null);
      setState(next);
    } catch (error) {
      setState(null);
      setWrong((error as Error).message);
    }
  };
  useEffect(() => {
    onLoading(isRunning);
    if (!isRunning) return undefined;
    const timer = setTimeout(() => void ask("GET"), EVERY_MS);
    return () => clearTimeout(timer);
    // Each answer is a new state.
  }, [state]);
  useEffect(() => () => onLoading(false), []);
  if (!session || !(session.is_admin_key || session.scopes.some((scope) => scope !== "read"))) return null;
  return (
    <section class="card" aria-labelledby="demo-title">
      <h2 id="demo-title">Or look around first</h2>
      <p>The demo is 30 days of believable calls of a few applications. It goes into this project.</p>
      {isRunning ? (
        <label class="first-run-demo">
          <progress value={state.calls} max={state.of} /> {formatCount(state.calls)} of about {formatCount(state.of)}{" "}
          calls
        </label>
      ) : (
        <button type="button" onClick={() => void ask("POST")}>
          Load the demo
        </button>
      )}
      <p class="wrong" role="alert">
        {wrong !== null && `The demo could not be loaded: ${wrong || "the stack does not answer"}. Try again.`}
      </p>
    </section>
  );
}
