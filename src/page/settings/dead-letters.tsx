/** Messages that the queue could not deliver: their calls were acknowledged, and are not counted. */
import { useState } from "preact/hooks";
import { formatCount } from "../figures.ts";
import { ledger, read, type Schemas, useAnswer } from "../ledger.ts";
import { ProblemMessage } from "../parts/message.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { Table } from "../parts/table.tsx";
import { signedIn } from "../session.ts";
import { useStore } from "../store.ts";
import { sent, useWrite } from "../write.ts";
import { Confirm } from "./confirm.tsx";
import { When } from "./when.tsx";

type DeadLetter = Schemas["DeadLetter"];

/** As many as one answer has. */
const MOST = 50;
const REASONS: Readonly<Record<DeadLetter["reason"], string>> = {
  failed: "could not be stored",
  expired: "older than what is kept",
  unreadable: "not a message of this ledger",
};

export function DeadLetters() {
  const now = useStore(signedIn);
  const { data, problem, retry } = useAnswer("dead letters", (signal) =>
    read(ledger.GET("/v1/dead-letters", { params: { query: { limit: MOST } }, signal })),
  );
  const [dropped, setDropped] = useState<DeadLetter | null>(null);
  const [said, setSaid] = useState<string | null>(null);
  const { isBusy, wrong, run } = useWrite();
  const letters = data?.dead_letters ?? [];
  const known = letters.reduce((sum, { calls }) => sum + (calls ?? 0), 0);
  const replay = async (): Promise<void> => {
    const { replayed, failed, remaining } = await sent(ledger.POST("/v1/dead-letters/replay"));
    const why = failed[0] ? ` The first that failed: ${failed[0].error}` : "";
    setSaid(`${messages(replayed)} stored, ${failed.length} failed, ${remaining} left.${why}`);
    retry();
  };
  return (
    <section class="card" aria-labelledby="dead-title">
      <h2 id="dead-title">Messages that the queue could not deliver</h2>
      <ProblemMessage problem={problem} retry={retry} />
      {!data && problem === null && <Skeleton rows={2} label="Loading messages" />}
      {data && letters.length === 0 && <p>There are none: every call that was acknowledged is counted.</p>}
      {letters.length > 0 && (
        <>
          <p>
            {data?.next_cursor ? "The first " : ""}
            {messages(letters.length)} with {formatCount(known)} calls that are not counted.
          </p>
          <Table
            caption="Messages that the queue could not deliver"
            rows={letters}
            keyOf={({ id }) => id}
            columns={[
              { key: "at", title: "Given up", render: ({ received_at }) => <When at={received_at} none="" /> },
              { key: "tried", title: "Last tried", render: ({ tried_at }) => <When at={tried_at} none="" /> },
              { key: "reason", title: "Reason", render: ({ reason }) => REASONS[reason] },
              { key: "project", title: "Project", render: ({ project_id }) => <code>{project_id ?? "none"}</code> },
              { key: "calls", title: "Calls", isFigure: true, render: ({ calls }) => calls ?? "unknown" },
              {
                key: "do",
                title: "Actions",
                render: (letter) => (
                  <button type="button" class="quiet" onClick={() => setDropped(letter)}>
                    Give up
                  </button>
                ),
              },
            ]}
          />
          {now.state === "in" && now.session.is_admin_key && (
            <p>
              <button type="button" disabled={isBusy} onClick={() => void run(replay)}>
                {isBusy ? "Storing …" : "Store their calls after all"}
              </button>
            </p>
          )}
        </>
      )}
      {said !== null && <p role="status">{said}</p>}
      <p class="wrong" role="alert">
        {wrong}
      </p>
      {dropped && (
        <Confirm
          title="Give this message up?"
          action="Give it up"
          onClose={() => setDropped(null)}
          run={async () => {
            await sent(ledger.DELETE("/v1/dead-letters/{id}", { params: { path: { id: dropped.id } } }));
            retry();
          }}
        >
          <p>
            It has {dropped.calls === null ? "an unknown number of" : formatCount(dropped.calls)} calls. They will never
            be counted. This cannot be undone.
          </p>
        </Confirm>
      )}
    </section>
  );
}

function messages(count: number): string {
  return count === 1 ? "1 message" : `${formatCount(count)} messages`;
}
