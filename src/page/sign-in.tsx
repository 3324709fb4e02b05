/** One field. The key goes to the ledger once, and comes back as a cookie that no script can read. */
import { useEffect, useRef, useState } from "preact/hooks";
import { problemSentence } from "./sign-in-problem.ts";
import { signIn } from "./session.ts";

export function SignIn({ ended }: { ended: boolean }) {
  const [key, setKey] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  // A browser follows `autofocus` once for each document.
  useEffect(() => field.current?.focus(), []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const given = key.trim();
    if (given === "") return setWrong("Enter an API key first.");
    setBusy(true);
    const problem = await signIn(given);
    setBusy(false);
    if (problem !== null) setWrong(problemSentence(problem));
  };
  return (
    <main class="sign-in">
      <form onSubmit={(event) => void submit(event)}>
        <h1>LLM Cost Tracker</h1>
        <p>
          {ended
            ? "Your session has ended. Sign in again; the view that you were in stays as it is."
            : "See what calls cost, why, and who made them."}
        </p>
        <label for="api-key">API key</label>
        <input
          id="api-key"
          type="password"
          autoComplete="current-password"
          spellcheck={false}
          value={key}
          onInput={(event) => setKey(event.currentTarget.value)}
          aria-invalid={wrong !== null}
          aria-describedby="sign-in-problem"
          ref={field}
        />
        <p id="sign-in-problem" class="wrong" role="alert">
          {wrong}
        </p>
        <button type="submit" disabled={busy}>
          {busy ? "Signing in …" : "Sign in"}
        </button>
      </form>
    </main>
  );
}
