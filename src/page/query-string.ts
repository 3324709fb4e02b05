/** Parameters as the API reads them: some lists are joined by commas, others repeat their name; tags bring their own. */
const JOINED = new Set(["group_by", "include"]);

export function queryString(query: Readonly<Record<string, unknown>>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null) continue;
    if (!Array.isArray(value)) {
      if (typeof value === "object") for (const [tag, values] of Object.entries(value)) append(params, tag, values);
      else params.append(name, `${value as string | number | boolean}`);
    } else if (JOINED.has(name)) {
      if (value.length > 0) params.append(name, value.join(","));
    } else append(params, name, value);
  }
  return params.toString();
}

function append(params: URLSearchParams, name: string, values: readonly string[]): void {
  for (const value of values) params.append(name, value);
}
