/**
 * A catalogue document from its URL. It is foreign: how much is read, how long it takes and where redirects lead is
 * bounded, and what breaks a bound is refused.
 */
import { MAX_DOCUMENT } from "../pricing/catalogue-schema.ts";

export type FetchedCatalogue =
  | { text: string; etag: string | null }
  /** The server says that it is what `etag` names. */
  | "unchanged"
  | { refused: string };

const TIMEOUT_MS = 10_000;
const MAX_REDIRECTS = 3;

/** @param etag names what is known. @param timeoutMs for all of it, the last byte included. */
export async function fetchCatalogue(
  url: string,
  etag: string | null = null,
  timeoutMs: number = TIMEOUT_MS,
): Promise<FetchedCatalogue> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    return await follow(url, etag, signal);
  } catch (error) {
    if (signal.aborted) return { refused: `it did not come within ${timeoutMs / 1_000} s` };
    return { refused: `it could not be fetched: ${String(error)}` };
  }
}

async function follow(url: string, etag: string | null, signal: AbortSignal): Promise<FetchedCatalogue> {
  const headers = { accept: "application/json", ...(etag !== null && { "if-none-match": etag }) };
  let at = url;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await fetch(at, { headers, redirect: "manual", signal });
    const location = response.headers.get("location");
    if (response.status === 304 && etag !== null) return "unchanged";
    if (response.status === 200) return await read(response);
    await response.body?.cancel();
    if (response.status < 300 || response.status >= 400 || location === null)
      return { refused: `the server answered ${response.status}` };
    const target = URL.parse(location, at);
    if (target?.protocol !== "https:" && target?.origin !== new URL(url).origin)
      return { refused: "it redirects to what is not https" };
    at = target.href;
  }
  return { refused: `it redirects more than ${MAX_REDIRECTS} times` };
}

async function read(response: Response): Promise<FetchedCatalogue> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the rest.
    if (bytes > MAX_DOCUMENT) return { refused: `it has more than ${MAX_DOCUMENT / 1_000_000} MB` };
    text += decoder.decode(chunk, { stream: true });
  }
  return { text: text + decoder.decode(), etag: response.headers.get("etag") };
}
