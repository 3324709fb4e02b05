/** Work that outlives the request that began it, and requests that wait for the work of others. */

/** Lets work go on after the answer has been sent. */
export type KeepAlive = (work: Promise<unknown>) => void;

/**
 * Waits for the work of another request of the isolate. The runtime ends a request as hung if nothing of its own is
 * pending, so a timer of its own is pending meanwhile. The other request may be cut off, so the wait has an end.
 *
 * @returns the value, or `"late"` if it did not come within `limitMs`.
 */
export async function holdOpen<T>(work: Promise<T>, limitMs: number): Promise<T | "late"> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
