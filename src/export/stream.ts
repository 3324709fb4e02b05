/** A download: read as fast as its reader takes it and no faster, and broken off, never cut short, when it fails. */

/**
 * Begins at once: what fails before the first byte is thrown. One chunk is read ahead of the reader.
 *
 * @param onFailure is told what broke the stream later on. Its reader gets an error too, over HTTP a body that ends
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
    // Once the statement under way has answered.
    async cancel() {
      left = true;
      await chunks.return();
    },
  });
}
