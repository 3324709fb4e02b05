/** The admin key belongs to no project: its session chooses one, and keeps the choice in this browser. */
import { useEffect } from "preact/hooks";
import { ledger, read, useAnswer } from "./ledger.ts";
import { chooseProject, chosenProject } from "./session.ts";
import { createStore, useStore } from "./store.ts";

/** As many as one answer has. */
const MOST = 1_000;

/** Moves on when a project was made, so that every list of them is asked again. */
export const projectsMade = createStore(0);

export function useProjects() {
  return useAnswer(`projects ${useStore(projectsMade)}`, (signal) =>
    read(ledger.GET("/v1/projects", { params: { query: { limit: MOST } }, signal })),
  );
}

export function ProjectChoice() {
  const chosen = useStore(chosenProject);
  const { data, problem, isLoading } = useProjects();
  const projects = data?.projects;
  const known = projects?.some(({ id }) => id === chosen);
  useEffect(() => {
    // One that was chosen before may be of another deployment. One that was just made is not in the list yet.
    if (known === false && !isLoading && projects?.[0]) chooseProject(projects[0].id);
  }, [known, isLoading, projects]);
  if (!projects) return <span class="project">{problem === null ? "…" : "Projects cannot be listed"}</span>;
  return (
    <select
      aria-label="Project"
      // As wide as its longest option by itself, and a name may have 200 characters.
      style={{ maxWidth: "min(16rem, 80vw)" }}
      value={chosen ?? ""}
      onChange={(event) => chooseProject(event.currentTarget.value)}
    >
      {projects.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </select>
  );
}
