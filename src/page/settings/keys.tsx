/** The keys of the chosen project: made, shown once, rotated, revoked. */
import { useState } from "preact/hooks";
import { ledger, read, useAnswer } from "../ledger.ts";
import { Message, ProblemMessage } from "../parts/message.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { Table } from "../parts/table.tsx";
import { useProjects } from "../project-choice.tsx";
import { chosenProject } from "../session.ts";
import { useStore } from "../store.ts";
import { sent } from "../write.ts";
import { Confirm } from "./confirm.tsx";
import { type ApiKey, inOrder, stateOf, works } from "./key-state.ts";
import { NewKey } from "./new-key.tsx";
import { RotateKey } from "./rotate-key.tsx";
import { ShownKey } from "./shown-key.tsx";
import { When } from "./when.tsx";

const PAGE = 1_000;
/** Of pages. So many keys are for programs, not for people. */
const MOST_PAGES = 20;

interface NewText {
  name: string;
  text: string;
  note?: string | undefined;
}

export function Keys() {
  const projectId = useStore(chosenProject) ?? "";
  const { data: projects } = useProjects();
  const { data, problem, retry } = useAnswer("keys", readKeys);
  const [shown, setShown] = useState<NewText | null>(null);
  const [revoked, setRevoked] = useState<ApiKey | null>(null);
  const [rotated, setRotated] = useState<ApiKey | null>(null);
  const [hasEnded, setEnded] = useState(false);
  const nowMs = Date.now();
  const own = inOrder(data?.keys.filter((key) => key.project_id === projectId) ?? [], nowMs);
  const ended = own.filter((key) => !works(key, nowMs)).length;
  const made = (key: NewText): void => {
    setShown(key);
    retry();
  };
  return (
    <section class="card" aria-labelledby="keys-title">
      <h2 id="keys-title">
        Keys of <bdi>{projects?.projects.find(({ id }) => id === projectId)?.name ?? "…"}</bdi>
      </h2>
      {shown && <ShownKey {...shown} onClose={() => setShown(null)} />}
      <ProblemMessage problem={problem} retry={retry} />
      {!data && problem === null && <Skeleton rows={4} label="Loading keys" />}
      {data && own.length === ended && (
        <Message kind="empty" title="This project has no key that works">
          Make one below, and give it to what sends calls.
        </Message>
      )}
      {own.length > ended || hasEnded ? (
        <KeyTable
          keys={hasEnded ? own : own.slice(0, own.length - ended)}
          nowMs={nowMs}
          onRevoke={setRevoked}
          onRotate={setRotated}
        />
      ) : null}
      {ended > 0 && (
        <label class="settings-check">
          <input type="checkbox" checked={hasEnded} onChange={(event) => setEnded(event.currentTarget.checked)} /> Also
          show {ended === 1 ? "the key" : `the ${ended} keys`} that no longer {ended === 1 ? "works" : "work"}
        </label>
      )}
      {data && !data.isWhole && <p class="muted">There are more keys than this page lists; the API lists all.</p>}
      <NewKey projectId={projectId} onMade={made} />
      {revoked && (
        <Confirm
          title="Revoke this key?"
          action="Revoke the key"
          onClose={() => setRevoked(null)}
          run={async () => {
            await sent(ledger.DELETE("/v1/keys/{id}", { params: { path: { id: revoked.id } } }));
            retry();
          }}
        >
          <p>
            Whatever uses “<bdi>{revoked.name}</bdi>” is refused within 60 seconds, and sessions of this page that it
            signed in end. This cannot be undone. Calls that it sent stay.
          </p>
        </Confirm>
      )}
      {rotated && <RotateKey old={rotated} onMade={made} onClose={() => setRotated(null)} />}
    </section>
  );
}

interface KeyTableProps {
  keys: readonly ApiKey[];
  nowMs: number;
  onRevoke: (key: ApiKey) => void;
  onRotate: (key: ApiKey) => void;
}

function KeyTable({ keys, nowMs, onRevoke, onRotate }: KeyTableProps) {
  return (
    <Table
      caption="Keys"
      rows={keys}
      keyOf={({ id }) => id}
      columns={[
        { key: "name", title: "Name", render: ({ name }) => <bdi>{name}</bdi> },
        { key: "scopes", title: "Scopes", render: ({ scopes }) => scopes.join(", ") },
        { key: "used", title: "Last used", render: ({ last_used_at }) => <When at={last_used_at} none="never" /> },
        { key: "expires", title: "Expires", render: ({ expires_at }) => <When at={expires_at} none="never" /> },
        { key: "created", title: "Made", render: ({ created_at }) => <When at={created_at} none="" /> },
        { key: "state", title: "State", render: (key) => <span class="settings-state">{stateOf(key, nowMs)}</span> },
        {
          key: "do",
          title: "Actions",
          render: (key) =>
            works(key, nowMs) && (
              <span class="settings-actions">
                {key.replaced_by === null && (
                  <button
                    type="button"
                    class="quiet"
                    aria-label={`Rotate the key ${key.name}`}
                    onClick={() => onRotate(key)}
                  >
                    Rotate
                  </button>
                )}
                <button
                  type="button"
                  class="quiet"
                  aria-label={`Revoke the key ${key.name}`}
                  onClick={() => onRevoke(key)}
                >
                  Revoke
                </button>
              </span>
            ),
        },
      ]}
    />
  );
}

/** Of all projects: the API lists them together. */
async function readKeys(signal: AbortSignal): Promise<{ keys: ApiKey[]; isWhole: boolean }> {
  const keys: ApiKey[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < MOST_PAGES; page++) {
    const query: { limit: number; cursor?: string } = { limit: PAGE, ...(cursor !== null && { cursor }) };
    const answer: { keys: ApiKey[]; next_cursor: string | null } = await read(
      ledger.GET("/v1/keys", { params: { query }, signal }),
    );
    keys.push(...answer.keys);
    cursor = answer.next_cursor;
    if (cursor === null) return { keys, isWhole: true };
  }
  return { keys, isWhole: false };
}
