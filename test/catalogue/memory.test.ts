/** What a Worker may hold: 128 MB. A document is read in a thread that has less. */
import { Worker } from "node:worker_threads";
import { expect, it } from "vitest";
import { changed, published } from "./documents.ts";

const DOCUMENT = new URL("../../src/pricing/catalogue-document.ts", import.meta.url).href;
const DATA = import.meta.resolve("@pydantic/genai-prices");

/** Returns why it was refused, or null. @throws the thread's error if it ran out of memory. */
function readWithin(megabytes: number, document: string): Promise<string | null> {
  const code = `
    const { parentPort, workerData } = require("node:worker_threads");
    void (async () => {
      const { parseCatalogue } = await import(${JSON.stringify(DOCUMENT)});
      const { waitForUpdate } = await import(${JSON.stringify(DATA)});
      const parsed = parseCatalogue(workerData, await waitForUpdate(), { nowMs: Date.UTC(2026, 10, 10) });
      parentPort.postMessage("refused" in parsed ? parsed.refused : null);
    })();`;
  const worker = new Worker(code, {
    eval: true,
    workerData: document,
    resourceLimits: { maxOldGenerationSizeMb: megabytes },
  });
  return new Promise((resolve, reject) => {
    worker.once("message", (refused: string | null) => resolve(refused));
    worker.once("error", reject);
  }).finally(() => worker.terminate()) as Promise<string | null>;
}

const names = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ starts_with: `gpt-${i}-${"x".repeat(60)}` }));

it.each([
  ["objects", `[${"{},".repeat(2_600_000)}{}]`, "it has more than 250000 values"],
  [
    "wrong models",
    published(changed((models) => models.push(...Array.from({ length: 8_000 }, () => ({}) as never)))),
    "id",
  ],
  [
    "names",
    published(
      changed((models) =>
        models.push(
          ...Array.from({ length: 60 }, (_, i) => ({
            id: `x${i}`,
            match: { or: names(900) },
            prices: { input_mtok: 1 },
          })),
        ),
      ),
    ),
    null,
  ],
])("takes no more than 96 MB for %s", async (_, document, refused) => {
  const answer = await readWithin(96, document);
  if (refused === null) expect(answer).toBeNull();
  else expect(answer).toContain(refused);
});
