/** Requests to the API, with the types of its description. The package gives only types: its code weighs 2 kB. */
import type { Client } from "openapi-fetch";
import type { paths } from "./api.d.ts";
import { queryString } from "./query-string.ts";
import { chosenProject, endSession, signedIn } from "./session.ts";

const METHODS = ["GET", "POST", "PUT", "DELETE"] as const;

interface Asked extends Omit<RequestInit, "body"> {
  params?: {
    path?: Readonly<Record<string, string>>;
    query?: Readonly<Record<string, unknown>>;
    header?: Readonly<Record<string, string>>;
  };
  body?: unknown;
  parseAs?: "json" | "blob";
}

export const ledger = Object.fromEntries(
  METHODS.map((method) => [method, (path: string, asked?: Asked) => ask(method, path, asked)]),
) as unknown as Pick<Client<paths>, (typeof METHODS)[number]>;

/** @throws TypeError without an answer, SyntaxError with half of one, DOMException if it is stopped. */
async function ask(method: string, path: string, { params, body, parseAs, ...init }: Asked = {}) {
  const query = queryString(params?.query ?? {});
  const at = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params!.path![name]!));
  const headers = new Headers(params?.header);
  if (body !== undefined) headers.set("Content-Type", "application/json");
  const project = chosenProject.get();
  const now = signedIn.get();
  if (now.state === "in" && now.session.is_admin_key && project !== null) headers.set("X-Project-Id", project);
  const response = await fetch(at + (query && `?${query}`), { ...init, method, headers, body: JSON.stringify(body) });
  if (response.status === 401) endSession();
  if (response.ok && parseAs === "blob") return { data: await response.blob(), response };
  const text = await response.text();
  if (response.ok) return { data: text ? (JSON.parse(text) as unknown) : undefined, response };
  return { error: problemIn(text), response };
}

/** What is not JSON is told by its status. */
function problemIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
