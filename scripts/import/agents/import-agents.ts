/** The calls in an agent's files, sent once each. With `--watch` it goes on with what is written later. */
import { join } from "node:path";
import type { Ledger } from "../../client/ledger.ts";
import { postTraces } from "../../client/post-traces.ts";
import { sendBatches } from "../../client/send-batches.ts";
import type { Server } from "../../client/server.ts";
import { type Progress, startProgress } from "../../progress.ts";
import type { Values } from "../row-to-trace.ts";
import type { Account } from "./account.ts";
import { type AgentFile, findFiles, openAgentFile, type OpenedFile } from "./agent-files.ts";
import { startDryRun } from "./dry-run.ts";
import { type FoundCall, SKIPPED, toNative } from "./found-call.ts";
import type { AgentOptions } from "./options.ts";
import { type DoneFiles, openDoneFiles } from "./progress-file.ts";
import { rememberCalls } from "./seen.ts";
import { type Source, SOURCES, type System } from "./sources.ts";

export interface AgentContext {
  system: System;
  /** Undefined in a dry run, which needs no server. */
  to?: { server: Server; ledger: Ledger } | undefined;
  dataDir: string;
  account: Account;
  now: () => number;
  /** Until the files are looked at again, or the import is interrupted. */
  wait: (ms: number) => Promise<void>;
  /** Once aborted, what is under way is finished and nothing more is sent. */
  interrupted: AbortSignal;
}

export interface AgentsImported {
  files: number;
  /** Files that did not change since an earlier run. */
  unchanged: number;
  /** False when it was interrupted: run again to continue. */
  complete: boolean;
  /** The lines of a dry run's table. */
  table: string[];
}

/** Times that are further in the future cannot be true; the server refuses them too. */
const MAX_AHEAD_MS = 5 * 60_000;
const MAX_BODY_CHARS = 4_000_000;
const SAVE_EVERY_FILES = 500;

interface Batch {
  traces: Values[];
  /** Files whose last call is in this batch. */
  ended: AgentFile[];
}

/** @throws CommandError when it cannot go on. */
export async function importAgents(options: AgentOptions, context: AgentContext): Promise<AgentsImported> {
  const source: Source = SOURCES[options.from];
  const isGiven = options.paths.length > 0;
  const folders = isGiven ? options.paths : source.folders(context.system);
  const subject = [options.from, options.added, options.sinceMs ?? 0, context.to?.server.url, context.to?.server.key];
  const done = await openDoneFiles(join(context.dataDir, "import"), subject);
  const isKnown = rememberCalls();
  const opened = new Map<string, OpenedFile>();
  const dryRun = options.dryRun ? startDryRun(context.now()) : undefined;
  const known = new Map<string, string>();
  let files = 0;
  let unchanged = 0;
  let looks = 0;
  // What is watched is looked for again and again.
  const skipOnce = (reason: string): void => void (looks === 1 && context.account.skip(reason));

  for (;;) {
    looks++;
    const all = await findFiles(source, folders, isGiven, skipOnce);
    const due = all.filter((file) => {
      if (options.sinceMs !== undefined && file.changedAtMs < options.sinceMs) return false;
      if (options.watch && known.get(file.path) === `${file.bytes}@${file.changedAtMs}`) return false;
      known.set(file.path, `${file.bytes}@${file.changedAtMs}`);
      if (dryRun !== undefined || options.restart || opened.has(file.path) || !done.isDone(file)) return true;
      unchanged++;
      return false;
    });
    files += due.length;
    const progress = options.watch && due.length < 2 ? QUIET : startProgress("Importing", sum(due));
    const batches = batchesOf(due, { source, options, context, isKnown, opened, progress });
    try {
      if (dryRun === undefined) await send(batches, context, options, done, progress);
      else await addTo(dryRun, batches, context);
    } finally {
      progress.stop();
      if (dryRun === undefined) await done.save().catch(() => undefined);
    }
    const complete = !context.interrupted.aborted;
    if (!options.watch || !complete) return { files, unchanged, complete, table: dryRun?.table() ?? [] };
    await context.wait(options.everyMs);
    if (context.interrupted.aborted) return { files, unchanged, complete: true, table: [] };
  }
}

const QUIET: Progress = { update: () => {}, say: (sentence) => console.error(sentence), stop: () => {} };

function sum(files: readonly AgentFile[]): number {
  return files.reduce((bytes, file) => bytes + file.bytes, 0);
}

interface Reading {
  source: Source;
  options: AgentOptions;
  context: AgentContext;
  isKnown: ReturnType<typeof rememberCalls>;
  opened: Map<string, OpenedFile>;
  progress: Progress;
}

async function* batchesOf(files: readonly AgentFile[], reading: Reading): AsyncGenerator<Batch> {
  const { source, options, context, opened, progress } = reading;
  const { account } = context;
  let batch: Batch = { traces: [], ended: [] };
  let chars = 0;
  let bytesRead = 0;
  for (const file of files) {
    const reader =
      opened.get(file.path) ?? openAgentFile(source, file.path, account.skip, options.added.withPullRequest);
    if (options.watch) opened.set(file.path, reader);
    try {
      for await (const portion of reader.advance(!options.watch)) {
        for (const found of portion.calls) {
          const trace = wanted(found, reading);
          if (trace === null) continue;
          const size = JSON.stringify(trace).length;
          if (batch.traces.length === options.batch || chars + size > MAX_BODY_CHARS) {
            yield batch;
            batch = { traces: [], ended: [] };
            chars = 0;
          }
          batch.traces.push(trace);
          chars += size;
        }
        bytesRead += portion.bytesRead;
        progress.update(bytesRead, `${account.found.toLocaleString("en-US")} calls`);
        if (context.interrupted.aborted) return;
      }
      // A file that is watched may hold calls back.
      if (!options.watch) batch.ended.push(file);
    } catch (error) {
      // It may be gone, another program's, or no document at all. The others are not its concern.
      account.skip(`${SKIPPED.unreadableFile} (${(error as NodeJS.ErrnoException).code ?? (error as Error).name})`);
    }
  }
  yield batch;
}

/** The call as it is sent; null if it is not. */
function wanted(found: FoundCall, { options, context, isKnown }: Reading): Values | null {
  const { account } = context;
  if (options.sinceMs !== undefined && found.startedAtMs < options.sinceMs) return null;
  if (found.startedAtMs > context.now() + MAX_AHEAD_MS) return skipped("a time in the future");
  const loose = found.looseKey === undefined ? undefined : `loose:${found.looseKey}`;
  const isCopied = found.isCopy === true && loose !== undefined && isKnown(loose, found.tokens);
  if (isCopied || isKnown(found.key, found.tokens)) {
    account.repeat();
    return null;
  }
  if (loose !== undefined) isKnown(loose, found.tokens);
  account.find();
  return toNative(found, options.added);

  function skipped(reason: string): null {
    account.skip(reason);
    return null;
  }
}

async function send(
  batches: AsyncGenerator<Batch>,
  { to, account, interrupted }: AgentContext,
  { concurrency }: AgentOptions,
  done: DoneFiles,
  progress: Progress,
): Promise<void> {
  let ended = 0;
  await sendBatches(batches, {
    concurrency,
    async send(batch) {
      if (batch.traces.length > 0) {
        const onRetry = (sentence: string): void => progress.say(sentence);
        account.add(await postTraces(to!.ledger, JSON.stringify(batch.traces), { onRetry }));
      }
      return batch.ended;
    },
    // In the order of the batches: all calls of these files are in the ledger now.
    onAcked(files) {
      for (const file of files) done.done(file);
      ended += files.length;
      if (ended < SAVE_EVERY_FILES) return;
      ended = 0;
      void done.save().catch(() => undefined);
    },
    stopped: () => interrupted.aborted,
  });
}

async function addTo(
  dryRun: ReturnType<typeof startDryRun>,
  batches: AsyncGenerator<Batch>,
  { account }: AgentContext,
): Promise<void> {
  for await (const { traces } of batches) dryRun.add(traces).forEach(account.skip);
}
