/** The tags of the code that a call was made for: repository, branch and pull request. */
import { branchName, lastName, ownedName, pullRequestName, repositoryName } from "../pull-request.ts";
import { CODE, CODE_OF_RESOURCES } from "./context-attributes.ts";

/** Finds the first of these attributes that has a text. */
type Look = (names: readonly string[]) => string | null;

/** @param isResource reads also names that mean this on a resource only. */
export function codeTags(look: Look, isResource: boolean): [tag: string, value: string][] {
  const bare = (name: string): string | null => (isResource ? look([name]) : null);
  const tags: [string, string][] = [];
  const said = bare(CODE_OF_RESOURCES.repository);
  const [url, name] = [look(CODE.repositoryUrl), look(CODE.repositoryName)];
  const repository = said === null ? (name ?? (url === null ? null : lastName(url))) : repositoryName(said);
  if (repository !== null) tags.push(["repository", repository]);

  const reference = bare(CODE_OF_RESOURCES.branch) ?? (look(CODE.referenceKind) === "tag" ? null : look(CODE.branch));
  const branch = reference === null ? null : branchName(reference);
  if (branch !== null) tags.push(["branch", branch]);

  const change = bare(CODE_OF_RESOURCES.pullRequest) ?? look(CODE.pullRequest);
  if (change !== null) {
    const owner = look(CODE.owner);
    const owned = [url, said, owner !== null && name !== null ? `${owner}/${name}` : null];
    const full = owned.map((text) => (text === null ? null : ownedName(text))).find((text) => text !== null);
    tags.push(["pull_request", pullRequestName(change, full ?? repository)]);
  }
  return tags;
}
