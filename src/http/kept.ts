/** A range without `from` begins 30 days before its end, but not before the start of the data that is kept. */
import { Expired } from "../db/client.ts";
import { ApiError } from "../errors.ts";

/**
 * Asks with `params`. If they have no `from` and some of the data has been deleted, asks again from the start of the
 * data that is kept.
 */
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
      // An ApiError means that the range ends before that start.
      throw again instanceof ApiError ? error : again;
    }
  }
}
