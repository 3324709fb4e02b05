/**
 * A download. It is read no faster than its reader takes it. If it fails, it breaks off with an error and never just
 * ends.
 */
import { inThisRequest } from "../telemetry/timings.ts";

/**
 * Reads the first chunk at once, so a failure before the first byte is thrown. The stream is one chunk ahead of its
 * reader.
 *
 * @param onEnd is told once when the stream has ended: of the error that broke it, or null if all was read or the
 * reader left. After an error the reader gets one too: over HTTP, the body ends without its last chunk.
 */
export async function streamOf(
  chunks: AsyncGenerator<string, void>,
  onEnd: (failure: Error | null) => void,
): Promise<ReadableStream<Uint8Array>> {
  const encoder = new TextEncoder();
  // The runtime asks for chunks on its own, so their statements would be counted for no request.
  const here = inThisRequest();
  let first: IteratorResult<string, void> | undefined = await chunks.next();
  let left = false;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        for (;;) {
          const { done, value } = first ?? (await here(() => chunks.next()));
          first = undefined;
          if (left) return;
          if (done) {
            onEnd(null);
            return controller.close();
          }
          if (value === "") continue;
          return controller.enqueue(encoder.encode(value));
        }
      } catch (error) {
        if (left) return;
        onEnd(error as Error);
        throw error;
      }
    },
    // This waits for the answer of the statement under way.
    async cancel() {
      left = true;
      await chunks.return();
      onEnd(null);
    },
  });
}
