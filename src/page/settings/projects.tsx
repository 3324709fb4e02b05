/** The projects of the deployment. What is chosen here is what every view shows. */
import { ledger } from "../ledger.ts";
import { ProblemMessage } from "../parts/message.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { Table } from "../parts/table.tsx";
import { projectsMade, useProjects } from "../project-choice.tsx";
import { chooseProject, chosenProject } from "../session.ts";
import { useStore } from "../store.ts";
import { sent, useDraft, useIdempotency, useWrite } from "../write.ts";
import { When } from "./when.tsx";

export function Projects() {
  const chosen = useStore(chosenProject);
  const { data, problem, retry } = useProjects();
  return (
    <section class="card" aria-labelledby="projects-title">
      <h2 id="projects-title">Projects</h2>
      <p class="muted">A project is a tenant: no key of one sees the calls of another.</p>
      <ProblemMessage problem={problem} retry={retry} />
      {!data && problem === null && <Skeleton rows={3} label="Loading projects" />}
      {data && (
        <Table
          caption="Projects"
          rows={data.projects}
          keyOf={({ id }) => id}
          columns={[
            { key: "name", title: "Name", render: ({ name }) => <bdi>{name}</bdi> },
            { key: "id", title: "Id", render: ({ id }) => <code>{id}</code> },
            { key: "created", title: "Made", render: ({ created_at }) => <When at={created_at} none="" /> },
            {
              key: "choose",
              title: "Shown",
              render: ({ id, name }) =>
                id === chosen ? (
                  <strong>Shown in all views</strong>
                ) : (
                  <button
                    type="button"
                    class="quiet"
                    aria-label={`Show the project ${name}`}
                    onClick={() => chooseProject(id)}
                  >
                    Show
                  </button>
                ),
            },
          ]}
        />
      )}
      {data?.next_cursor && <p class="muted">These are the first thousand; the API lists the others.</p>}
      <NewProject />
    </section>
  );
}

function NewProject() {
  const [name, setName, forget] = useDraft("project", "");
  const { isBusy, wrong, run } = useWrite();
  const idempotency = useIdempotency();
  const make = async (): Promise<void> => {
    const body = { name: name.trim() };
    const header = { "Idempotency-Key": idempotency.keyFor(body) };
    const made = await sent(ledger.POST("/v1/projects", { body, params: { header } }));
    idempotency.done();
    forget();
    projectsMade.set(projectsMade.get() + 1);
    chooseProject(made.id);
  };
  return (
    <form
      class="settings-form"
      onSubmit={(event) => {
        event.preventDefault();
        void run(make);
      }}
    >
      <label class="settings-field">
        Name of a new project
        <input value={name} maxLength={200} required onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      <button type="submit" disabled={isBusy || name.trim() === ""}>
        {isBusy ? "Making it …" : "Make a project"}
      </button>
      <p class="wrong" role="alert">
        {wrong}
      </p>
    </form>
  );
}
