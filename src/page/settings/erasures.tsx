/** Erasing a user from the chosen project, and how far that is. */
import { useState } from "preact/hooks";
import { formatCount } from "../figures.ts";
import { ledger, read, type Schemas, useAnswer } from "../ledger.ts";
import { ProblemMessage } from "../parts/message.tsx";
import { Table } from "../parts/table.tsx";
import { sent, useDraft } from "../write.ts";
import { Confirm } from "./confirm.tsx";
import { When } from "./when.tsx";

type Erasure = Schemas["Erasure"];
type Mode = Erasure["mode"];

const RUNNING_MS = 2_000;
const MODES: readonly { mode: Mode; means: string; consequence: string }[] = [
  {
    mode: "anonymise",
    means: "keeps the calls, and takes the user and the session off them",
    consequence: "Their calls stay and no total changes, but nobody can tell any more whose they were.",
  },
  {
    mode: "remove",
    means: "deletes the calls",
    consequence: "Their calls are deleted, and totals become lower by what they cost.",
  },
];

export function Erasures() {
  const [isRunning, setRunning] = useState(false);
  const { data, problem, retry } = useAnswer(
    "erasures",
    async (signal) => {
      const answer = await read(ledger.GET("/v1/erasures", { signal }));
      setRunning(answer.erasures.some(({ status }) => status !== "done"));
      return answer;
    },
    isRunning ? RUNNING_MS : undefined,
  );
  const [{ user, mode }, setDraft, forget] = useDraft<{ user: string; mode: Mode }>("erasure", {
    user: "",
    mode: "anonymise",
  });
  const [isAsking, setAsking] = useState(false);
  const erase = async (): Promise<void> => {
    await sent(ledger.DELETE("/v1/users/{id}", { params: { path: { id: user }, query: { mode } } }));
    forget();
    retry();
  };
  return (
    <section class="card" aria-labelledby="erasures-title">
      <h2 id="erasures-title">Erase a user</h2>
      <p class="muted">
        Their id is erased from calls, spans, sessions, tags and sums of this project. It takes a minute or more.
      </p>
      <form
        class="settings-form"
        onSubmit={(event) => {
          event.preventDefault();
          setAsking(true);
        }}
      >
        <label class="settings-field">
          Id of the user, as calls name it
          <input
            value={user}
            required
            spellcheck={false}
            autoComplete="off"
            onInput={(event) => setDraft({ user: event.currentTarget.value, mode })}
          />
        </label>
        <fieldset class="settings-scopes">
          <legend>How</legend>
          {MODES.map(({ mode: one, means }) => (
            <label key={one}>
              <input type="radio" name="mode" checked={one === mode} onChange={() => setDraft({ user, mode: one })} />{" "}
              {one} <span class="muted">{means}</span>
            </label>
          ))}
        </fieldset>
        <button type="submit" disabled={user === ""}>
          Erase this user …
        </button>
      </form>
      <ProblemMessage problem={problem} retry={retry} />
      {data && data.erasures.length > 0 && <ErasureTable erasures={data.erasures} />}
      {isAsking && (
        <Confirm
          title="Erase this user?"
          action="Erase the user"
          typed={{ label: "Type the id of the user to go on", text: user }}
          onClose={() => setAsking(false)}
          run={erase}
        >
          <p>{MODES.find((one) => one.mode === mode)!.consequence} This cannot be undone.</p>
          <p class="settings-subject">
            <bdi>{user}</bdi>
          </p>
        </Confirm>
      )}
    </section>
  );
}

function ErasureTable({ erasures }: { erasures: readonly Erasure[] }) {
  return (
    <Table
      caption="Erasures"
      rows={erasures}
      keyOf={({ id }) => id}
      columns={[
        { key: "at", title: "Begun", render: ({ created_at }) => <When at={created_at} none="" /> },
        { key: "mode", title: "How", render: ({ mode }) => mode },
        {
          key: "status",
          title: "State",
          render: ({ status, error, retry_at }) =>
            status === "failed" ? (
              <>
                failed: <bdi>{error}</bdi>; again at <When at={retry_at} none="once" />
              </>
            ) : (
              status
            ),
        },
        { key: "done", title: "Done", render: ({ done_at }) => <When at={done_at} none="not yet" /> },
        { key: "calls", title: "Calls", isFigure: true, render: ({ calls }) => formatCount(calls) },
        { key: "links", title: "Spans", isFigure: true, render: ({ links }) => formatCount(links) },
        { key: "subject", title: "User, as a digest", render: ({ subject }) => <code>{subject.slice(0, 12)}</code> },
      ]}
    />
  );
}
