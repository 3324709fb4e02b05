/** A question to the API as a line for a shell. */

/** The key stays out of it: the shell takes it from its environment. */
export function curlOf(url: string): string {
  return `curl -sS --fail-with-body -H "Authorization: Bearer $LLM_COST_API_KEY" ${quoted(url)}`;
}

/** One word of a POSIX shell, whatever is in it. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
