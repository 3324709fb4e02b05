/** Builds the page in the background if it is missing or its sources have changed, and again at each later change. */
import { watch } from "node:fs";
import { buildPage, isFresh, PAGE_SOURCE } from "../page/build.ts";

/** An editor writes a file more than once. */
const QUIET_MS = 50;

/** @param say hears about each build, and why one failed: the last good page is still there. */
export function watchPage(say: (line: string) => void): () => Promise<void> {
  let building: Promise<void> | undefined;
  let again = false;
  let timer: NodeJS.Timeout | undefined;
  const build = async (): Promise<void> => {
    do {
      again = false;
      try {
        if (!(await isFresh())) say(`The page is built: ${await buildPage()}`);
      } catch (error) {
        say(`The page cannot be built: ${(error as Error).message}`);
      }
    } while (again);
    building = undefined;
  };
  const start = (): void => {
    if (building) again = true;
    else building = build();
  };
  const watcher = watch(PAGE_SOURCE, { recursive: true }, () => {
    clearTimeout(timer);
    timer = setTimeout(start, QUIET_MS);
  });
  start();
  return async () => {
    watcher.close();
    clearTimeout(timer);
    await building;
  };
}
