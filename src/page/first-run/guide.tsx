/** How to send the first call: by which emitter, with which key. It waits for the call in sight. */
import { useState } from "preact/hooks";
import { ledger } from "../ledger.ts";
import { CopyButton } from "../parts/copy-button.tsx";
import type { Problem } from "../problem.ts";
import { chosenProject, keyOfVisit, signedIn } from "../session.ts";
import { useStore } from "../store.ts";
import { sent, useIdempotency, useWrite } from "../write.ts";
import { Demo, DEMO_PATH } from "./demo.tsx";
import { EMITTERS, KINDS, NO_KEY } from "./emitters.ts";
import "./first-run.css";

interface GuideProps {
  hasArrived: boolean;
  problem: Problem | null;
  /** The demo is being loaded, or no longer. */
  onLoading: (isLoading: boolean) => void;
}

export function Guide({ hasArrived, problem, onLoading }: GuideProps) {
  const [name, setName] = useState(EMITTERS[0]!.name);
  // Nowhere else: a key is shown once.
  const [key, setKey] = useState<string | null>(null);
  const { title, note, steps } = EMITTERS.find((emitter) => emitter.name === name)!;
  const to = { url: location.origin, key: key ?? keyOfVisit() ?? NO_KEY };
  return (
    <div class="first-run">
      <h1>Send the first call</h1>
      <p class="muted">This project has no calls yet. Choose what makes yours, and paste this.</p>
      <section class="card" aria-label="How to send calls">
        {KINDS.map(([kind, emitters]) => (
          <div key={kind} class="choice first-run-kind" role="group" aria-label={kind}>
            <span class="muted" aria-hidden="true">
              {kind}
            </span>
            {emitters.map((emitter) => (
              <button
                key={emitter.name}
                type="button"
                aria-pressed={emitter.name === name}
                onClick={() => setName(emitter.name)}
              >
                {emitter.title}
              </button>
            ))}
          </div>
        ))}
        {steps.map(({ place, text: of }) => {
          const text = of(to);
          return (
            <div key={`${name} ${place}`}>
              <div class="first-run-bar">
                <span class="muted">{place}</span>
                <span>
                  <CopyButton what={`the snippet for ${title}, ${place}`} text={text} />
                </span>
              </div>
              <pre class="first-run-snippet" tabIndex={0} role="region" aria-label={`Snippet for ${title}, ${place}`}>
                <code>{text}</code>
              </pre>
            </div>
          );
        })}
        <p>{note}</p>
        <KeyForIt value={key} onMade={setKey} />
      </section>
      <p class="first-run-waiting" role="status">
        <span class={hasArrived ? "first-run-dot there" : "first-run-dot"} aria-hidden="true" />
        {hasArrived
          ? "The first call has arrived."
          : problem === null || problem.isTold
            ? "Waiting for the first call. This page shows it by itself, within seconds."
            : problem.sentence}
      </p>
      {DEMO_PATH !== null && <Demo onLoading={onLoading} />}
    </div>
  );
}

/** Only the admin key makes keys. Who signed in with another one has a key, which the page does not. */
function KeyForIt({ value, onMade }: { value: string | null; onMade: (key: string) => void }) {
  const now = useStore(signedIn);
  const project = useStore(chosenProject);
  const { isBusy, wrong, run } = useWrite();
  const idempotency = useIdempotency();
  if (value !== null) {
    return (
      <p>
        <strong>The new key is filled in.</strong> It may only send calls. Copy it now: it is not shown again once you
        leave this view.
      </p>
    );
  }
  if (keyOfVisit() !== null)
    return <p>The key that you signed in with is filled in. A reload of the page forgets it.</p>;
  if (now.state !== "in" || !now.session.is_admin_key || project === null) {
    return (
      <p>
        Put an API key with the scope <code>ingest</code> in place of <code>{NO_KEY}</code>: the page stores no key, not
        even the one that you signed in with.{DEMO_PATH !== null && " The terminal of npm run dev shows one."}
      </p>
    );
  }
  const body = { project_id: project, name: "first call", scopes: ["ingest" as const] };
  const make = async (): Promise<void> => {
    const made = await sent(
      ledger.POST("/v1/keys", { body, params: { header: { "Idempotency-Key": idempotency.keyFor(body) } } }),
    );
    onMade(made.key);
  };
  return (
    <>
      <button type="button" disabled={isBusy} onClick={() => void run(make)}>
        {isBusy ? "Making a key …" : "Make a key for this"}
      </button>
      <p class="wrong" role="alert">
        {wrong}
      </p>
    </>
  );
}
