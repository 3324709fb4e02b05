/** The page before a long history: the Worker with the page's files, a project with people in it, and Chromium. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { DAY_MS } from "../../../src/time.ts";
import { sessionAddress } from "../../../src/page/session/session.ts";
import { connect } from "../../client/ledger.ts";
import { CommandError } from "../../command.ts";
import { buildPage, isFresh } from "../../page/build.ts";
import { writeApiTypes } from "../../page/types.ts";
import { calls, type Call } from "../calls.ts";
import type { Bench } from "../context.ts";
import { closedLoop } from "../closed-loop.ts";
import { PROBE, settled } from "./probe.ts";
import { startWorkerd } from "../workerd.ts";

const EXECUTABLE = "/usr/bin/chromium";
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"];
/** With the calls of nobody, 500 groups: on 20 days they are 10,000 rows, the most that an answer may have. */
export const USERS = 499;
/** Each user has a call on each of these days. */
export const DAYS_OF_USERS = 30;
const CALLS_OF_A_SESSION = 50;
const BATCH = 1_000;

export interface Site extends AsyncDisposable {
  url: string;
  browser: Browser;
  /** Midnight after the last day of the history, epoch ms. */
  endMs: number;
  call: string;
  /** The address of a session, as a call of it has it. */
  session: string;
  /** A window with the session's cookie, and with nothing in its cache. */
  open(): Promise<{ page: Page; context: BrowserContext }>;
  /** A call of a day that is over: nothing that was cached holds any longer. */
  forget(): Promise<void>;
  post(calls: readonly Call[]): Promise<void>;
  merge(): Promise<void>;
}

/** @throws CommandError where Chromium is not installed. */
export async function startSite(bench: Bench): Promise<Site> {
  if (!existsSync(EXECUTABLE)) throw new CommandError(`The page is measured in ${EXECUTABLE}, which is not there.`);
  await using started = new AsyncDisposableStack();
  await writeApiTypes();
  if (!(await isFresh())) await buildPage();
  const history = await bench.history(bench.traces);
  const entry = join(import.meta.dirname, "../worker.ts");
  const worker = await startWorkerd(bench.bindings, entry, undefined, undefined, true, true);
  started.defer(worker.stop);
  const { url } = worker;
  const ask = started.use(connect({ url, key: history.key }));
  const post = async (bodies: readonly (readonly Call[])[]): Promise<void> => {
    const texts = bodies.map((body) => JSON.stringify(body)).values();
    await closedLoop(ask, { path: "/v1/traces", bodies: texts, connections: 2 });
  };
  bench.say(`${USERS} users of ${DAYS_OF_USERS} days`);
  await post(peopleOf(history.endMs));
  await bench.settle();

  const list = await ask.send({ path: `/v1/traces?limit=1&from=${history.endMs - DAY_MS}&session_id=session-1` });
  const [found] = (JSON.parse(String(list.body)) as { traces: { id: string; session_id: string; timestamp: string }[] })
    .traces;
  if (!found) throw new Error("the calls with a session are not there");
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: FLAGS });
  started.defer(() => browser.close());
  const state = await signIn(browser, url, await pageKey(bench, url, history.projectId));
  let forgotten = 0;
  const all = started.move();
  return {
    url,
    browser,
    endMs: history.endMs,
    call: found.id,
    session: sessionAddress(found.session_id, Date.parse(found.timestamp)),
    async open() {
      const context = await browser.newContext({ baseURL: url, storageState: state, timezoneId: "UTC" });
      await context.addInitScript(PROBE);
      return { page: await context.newPage(), context };
    },
    async forget() {
      const { value } = calls(history.endMs - DAY_MS / 2, `forget-${forgotten++}-${Date.now()}`).next();
      // Of no other user: it would be one row too many.
      await post([[{ ...value!, user_id: null }]]);
    },
    post: (some) => post([some]),
    async merge() {
      await ask.send({ path: "/bench/cron" });
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function peopleOf(endMs: number): Call[][] {
  const source = calls(endMs, `page-${Date.now()}`);
  const people = Array.from({ length: USERS * DAYS_OF_USERS }, (_, i): Call => {
    const atMs = endMs - (1 + Math.floor(i / USERS)) * DAY_MS + (i % USERS) * 60_000;
    const user = `user-${i % USERS}`;
    const session = `session-${1 + Math.floor(i / CALLS_OF_A_SESSION)}`;
    return { ...source.next().value, timestamp: new Date(atMs).toISOString(), user_id: user, session_id: session };
  });
  return Array.from({ length: Math.ceil(people.length / BATCH) }, (_, i) => people.slice(i * BATCH, (i + 1) * BATCH));
}

/** Of all scopes, as the key of the link that `npm run dev` prints. */
async function pageKey(bench: Bench, url: string, projectId: string): Promise<string> {
  using admin = connect({ url, key: bench.bindings["ADMIN_KEY"]! });
  const asked = { project_id: projectId, name: "page", scopes: ["ingest", "read", "admin"] };
  const { body } = await admin.send({ path: "/v1/keys", body: JSON.stringify(asked) });
  return (JSON.parse(String(body)) as { key: string }).key;
}

async function signIn(browser: Browser, url: string, key: string) {
  const context = await browser.newContext({ baseURL: url });
  await context.addInitScript(PROBE);
  const page = await context.newPage();
  await page.goto("/");
  await page.getByLabel("API key").fill(key);
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Sign out" }).waitFor();
  await settled(page);
  const state = await context.storageState();
  await context.close();
  return state;
}
