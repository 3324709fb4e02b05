/**
 * A download. It is read no faster than its reader takes it. If it fails, it breaks off with an error and never just
 * ends.
 */

/**
 * Reads the first chunk at once, so a failure before the first byte is thrown. The stream is one chunk ahead of its
 * reader.
 *
 * @param onFailure takes the error that broke the stream later. The reader gets an error too: over HTTP, the body ends
 * without its last chunk.
 */
export async function streamOf(
  chunks: AsyncGenerator<string, void>,
  onFailure: (error: Error) => void,
): Promise<ReadableStream<Uint8Array>> {
  const encoder = new TextEncoder();
  let first: IteratorResult<string, void> | undefined = await chunks.next();
  let left = false;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        for (;;) {
          const { done, value } = first ?? (await chunks.next());
          first = undefined;
          if (left) return;
          if (done) return controller.close();
          if (value === "") continue;
          return controller.enqueue(encoder.encode(value));
        }
      } catch (error) {
        if (left) return;
        onFailure(error as Error);
        throw error;
      }
    },
    // This waits for the answer of the statement under way.
    async cancel() {
      left = true;
      await chunks.return();
    },
  });
}
