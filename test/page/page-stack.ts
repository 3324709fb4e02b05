/** The stack of `npm run dev` with a browser, for the tests of one file. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { freePort } from "../../scripts/local/listen.ts";
import { type DevStack, startDevStack } from "../e2e/dev-stack.ts";
import { newDatabase } from "../own-database.ts";
import { HAS_CHROMIUM, launchChromium, type Visit, visit, WITHOUT_CHROMIUM } from "./browser.ts";

/** Names that callers may send, and that must be shown as text. */
export const HOSTILE = [
  "<img src=x onerror=alert(1)>",
  "\u202egnp.exe\u202c \u05e9\u05dc\u05d5\u05dd",
  '=HYPERLINK("http://evil.example")',
  "a".repeat(500),
  "\u{1f468}\u200d\u{1f469}\u200d\u{1f467} {{constructor}} ${7*7}",
];

type Options = Parameters<typeof visit>[2];

export interface PageStack {
  readonly dev: DevStack;
  /** A key with all scopes, as in the link that the stack prints. */
  readonly pageKey: string;
  open: (options?: Options) => Promise<Visit>;
  /** Opens a path by the key in its fragment, and waits for the navigation. */
  openSignedIn: (options?: Options, path?: string) => Promise<Visit>;
  /** The same in a window that tests share, which is faster: for those that change nothing which outlives a page. */
  openShared: (path: string) => Promise<Visit>;
}

/** Starts a stack before the tests of a file, and ends it after them. Its members are there once they run. */
export function usePageStack(): PageStack {
  let dataDir: string;
  let dev: DevStack | undefined;
  let pageKey: string;
  let browser: Browser | undefined;

  beforeAll(async () => {
    if (!HAS_CHROMIUM) return console.warn(WITHOUT_CHROMIUM);
    dataDir = await mkdtemp(join(tmpdir(), "llm-cost-e2e-"));
    // To make, start and end a Postgres for each file took several seconds.
    dev = await startDevStack(dataDir, await freePort(), { DATABASE_URL: await newDatabase() });
    ({ pageKey } = JSON.parse(await readFile(join(dataDir, "dev.json"), "utf8")) as { pageKey: string });
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await dev?.stop();
    if (dataDir) await rm(dataDir, { recursive: true, force: true });
  });

  const open = async (options?: Options): Promise<Visit> => await visit(browser!, new URL(dev!.url).origin, options);
  const openSignedIn: PageStack["openSignedIn"] = async (options, path = "/") => {
    const opened = await open(options);
    await opened.page.goto(`${path}#key=${pageKey}`);
    await opened.page.getByRole("button", { name: "Sign out" }).waitFor();
    return opened;
  };
  let shared: Visit | undefined;
  return {
    get dev() {
      return dev!;
    },
    get pageKey() {
      return pageKey;
    },
    open,
    openSignedIn,
    async openShared(path) {
      if (shared) await shared.page.goto(path);
      else shared = await openSignedIn({}, path);
      await shared.page.getByRole("button", { name: "Sign out" }).waitFor();
      const { wrong } = shared;
      const before = wrong().length;
      return { ...shared, wrong: () => wrong().slice(before) };
    },
  };
}
