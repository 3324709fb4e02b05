/** What admins did, the newest first. It names keys by their ids, and users by digests. */
import { useState } from "preact/hooks";
import { ledger, read, type Schemas, useAnswer } from "../ledger.ts";
import { ProblemMessage } from "../parts/message.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { Table } from "../parts/table.tsx";
import { useProjects } from "../project-choice.tsx";
import { sent, useWrite } from "../write.ts";
import { When } from "./when.tsx";

type Entry = Schemas["AdminLogEntry"];

const PAGE = 50;

export function Log() {
  const { data, problem, retry } = useAnswer("log", (signal) =>
    read(ledger.GET("/v1/admin/log", { params: { query: { limit: PAGE } }, signal })),
  );
  const { data: projects } = useProjects();
  const [older, setOlder] = useState<{ entries: Entry[]; cursor: string | null } | null>(null);
  const { isBusy, wrong, run } = useWrite();
  const names = new Map(projects?.projects.map(({ id, name }) => [id, name]));
  const cursor = older ? older.cursor : (data?.next_cursor ?? null);
  const more = async (): Promise<void> => {
    const query = { limit: PAGE, cursor: cursor! };
    const page = await sent(ledger.GET("/v1/admin/log", { params: { query } }));
    setOlder({ entries: [...(older?.entries ?? []), ...page.entries], cursor: page.next_cursor });
  };
  return (
    <section class="card" aria-labelledby="log-title">
      <h2 id="log-title">What admins did</h2>
      <ProblemMessage problem={problem} retry={retry} />
      {!data && problem === null && <Skeleton rows={8} label="Loading the log" />}
      {data && (
        <Table
          caption="What admins did"
          rows={[...data.entries, ...(older?.entries ?? [])]}
          keyOf={({ id }) => id}
          columns={[
            { key: "at", title: "When", render: ({ at }) => <When at={at} none="" /> },
            { key: "action", title: "Action", render: ({ action }) => <span class="settings-word">{action}</span> },
            { key: "actor", title: "By", render: ({ actor }) => <code>{actor}</code> },
            {
              key: "project",
              title: "Project",
              render: ({ project_id }) => <bdi>{project_id === null ? "" : (names.get(project_id) ?? project_id)}</bdi>,
            },
            { key: "subject", title: "Of", render: ({ subject }) => <code>{subject ?? ""}</code> },
            { key: "request", title: "Request", render: ({ request_id }) => <code>{request_id}</code> },
          ]}
        />
      )}
      {cursor !== null && (
        <button type="button" class="quiet" disabled={isBusy} onClick={() => void run(more)}>
          {isBusy ? "Loading …" : "Show older entries"}
        </button>
      )}
      <p class="wrong" role="alert">
        {wrong}
      </p>
    </section>
  );
}
