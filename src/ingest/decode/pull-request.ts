/**
 * Repositories, branches and pull requests, each in one form whoever states it: `shop`, `feature/x`, `acme/shop#12`.
 * Addresses may hold a password or a token, which is left out.
 */
const MOST_CHARACTERS = 1_024;
/** `https://…`, or how git writes it for SSH: `git@github.com:acme/shop.git`. */
const ADDRESS = /^[a-z][a-z+.-]*:\/\/(?:[^/\s]*@)?([^/\s?#]+)([^\s?#]*)/i;
const SSH = /^[\w.-]+@([\w.-]+):([^\s?#]+)$/;
/** `acme/shop#12`, and GitLab's `acme/shop!12`. */
const SHORT = /^([\w.-]+(?:\/[\w.-]+)*)[#!](\d{1,18})$/;
const NUMBER = /^[#!]?(\d{1,18})$/;
/** What GitHub and GitLab name the merge that they test. */
const REF = /^refs\/(?:pull|merge-requests)\/(\d{1,18})\//;

/** The path of a pull request, by host: repository and number. */
const PATHS: readonly RegExp[] = [
  // GitHub's API, Bitbucket's server, Azure, GitLab; then GitHub, Gitea, Bitbucket.
  /^(?:api\/v3\/)?repos\/([^/]+\/[^/]+)\/pulls\/(\d{1,18})(?:\/|$)/,
  /^(?:projects|users)\/([^/]+\/repos\/[^/]+)\/pull-requests\/(\d{1,18})(?:\/|$)/,
  /^([^/]+\/[^/]+\/_git\/[^/]+)\/pullrequest\/(\d{1,18})(?:\/|$)/,
  /^(.+?)\/-\/merge_requests\/(\d{1,18})(?:\/|$)/,
  /^(.+?)\/(?:pull|pulls|pull-requests|merge_requests)\/(\d{1,18})(?:\/|$)/,
];
/** Parts of such a path that are not of the repository's name. */
const BETWEEN = /\/(?:repos|_git)(?=\/)/;

/** The last part of a repository's address or path. */
export function lastName(repository: string): string {
  return (placeOf(repository)?.path ?? repository).replace(/\/+$/, "").split("/").at(-1)!;
}

/** The name of a repository as it is written; of an address, its last part. */
export function repositoryName(repository: string): string {
  return placeOf(repository) === null ? repository : lastName(repository);
}

/** `acme/shop` of an address or of such a path. Null if it has no owner. */
export function ownedName(repository: string): string | null {
  const path = placeOf(repository)?.path.replace(BETWEEN, "") ?? repository;
  return /^[^/\s]+(?:\/[^/\s]+)+$/.test(path) ? path : null;
}

/** Null if the reference is a tag's or a pull request's. */
export function branchName(reference: string): string | null {
  const branch = reference.startsWith("refs/heads/") ? reference.slice("refs/heads/".length) : reference;
  return branch === "" || branch.startsWith("refs/") ? null : branch;
}

/**
 * `acme/shop#12` of an address, of that form, or of a number with its repository. Other text stays as it is: the caller
 * has names of its own.
 *
 * @param repository `acme/shop` or `shop`, for a number alone. Without it the form is `#12`.
 */
export function pullRequestName(said: string, repository: string | null): string {
  const text = said.trim();
  if (text.length > MOST_CHARACTERS) return text;
  const number = (NUMBER.exec(text) ?? REF.exec(text))?.[1];
  if (number !== undefined) return numbered(repository ?? "", number);
  const short = SHORT.exec(text);
  if (short !== null) return numbered(short[1]!, short[2]!);
  const place = placeOf(text);
  if (place === null) return text;
  for (const path of PATHS) {
    const [, of, number] = path.exec(place.path) ?? [];
    if (of !== undefined) return numbered(of.replace(BETWEEN, ""), number!);
  }
  return `${place.host}/${place.path}`;
}

function numbered(repository: string, number: string): string {
  return `${repository}#${number.replace(/^0+(?=\d)/, "")}`;
}

/** Host and path of an address. Null if the text is none. */
function placeOf(text: string): { host: string; path: string } | null {
  if (text.length > MOST_CHARACTERS) return null;
  const [, host, path] = ADDRESS.exec(text) ?? SSH.exec(text) ?? [];
  if (host === undefined) return null;
  return { host, path: path!.replace(/^\/+|\/+$/g, "").replace(/\.git$/, "") };
}
