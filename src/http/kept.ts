/** Ranges whose start nobody named: as far back as usual, but no further than what is kept. */
import { Expired } from "../db/client.ts";
import { ApiError } from "../errors.ts";

/** Asks with `params`; where these have no `from` and what is asked for is not all kept, from when it is. */
export async function asFarAsKept<T>(
  params: URLSearchParams,
  ask: (params: URLSearchParams) => Promise<T>,
): Promise<T> {
  try {
    return await ask(params);
  } catch (error) {
    if (!(error instanceof Expired) || params.has("from")) throw error;
    const kept = new URLSearchParams(params);
    kept.set("from", String(error.sinceMs));
    try {
      return await ask(kept);
    } catch (again) {
      // The range ends before that.
      throw again instanceof ApiError ? error : again;
    }
  }
}
