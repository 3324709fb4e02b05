/**
 * Waits for something that another request of the isolate does. The runtime ends a request as hung when nothing of
 * its own is pending, so a timer of its own stands in; and since that other request may be cut off, the wait has an end.
 *
 * @returns the value, or `"late"` when it did not come within `limitMs`.
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
