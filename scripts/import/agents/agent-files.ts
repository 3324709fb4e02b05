/** The files of a source, and the calls in each of them. */
import { readdir, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import type { Values } from "../row-to-trace.ts";
import { CommandError } from "../../command.ts";
import { type FoundCall, type Sink, SKIPPED } from "./found-call.ts";
import { readLinesFrom } from "./lines.ts";
import type { Source } from "./sources.ts";

const MAX_WHOLE_BYTES = 64 << 20;

export interface AgentFile {
  path: string;
  bytes: number;
  changedAtMs: number;
}

/** In the order of their paths, which for most agents is that of time: a session comes before its forks. */
export async function findFiles(
  source: Source,
  folders: readonly string[],
  isGiven: boolean,
  onSkipped: (reason: string) => void,
): Promise<AgentFile[]> {
  const found: AgentFile[] = [];
  for (const folder of folders) {
    const root = await stat(folder).catch(() => null);
    if (root === null) {
      if (isGiven) throw new CommandError(`${folder} cannot be read.`);
      continue;
    }
    // A file that was named is meant, whatever its name.
    if (root.isFile()) found.push({ path: folder, bytes: root.size, changedAtMs: root.mtimeMs });
    else await findIn({ source, root: folder, onSkipped }, folder, found);
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

interface Search {
  source: Source;
  root: string;
  onSkipped: (reason: string) => void;
}

async function findIn(search: Search, folder: string, found: AgentFile[]): Promise<void> {
  const { source, root, onSkipped } = search;
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    onSkipped(`${SKIPPED.unreadableFolder} (${error.code ?? error.name})`);
    return [];
  });
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await findIn(search, path, found);
    // It may lead back here, or out of what was asked for.
    else if (entry.isSymbolicLink()) onSkipped(SKIPPED.link);
    else if (entry.isFile() && source.has(relative(root, path).split(sep).join("/"))) {
      const file = await stat(path).catch(() => null);
      if (file !== null) found.push({ path, bytes: file.size, changedAtMs: file.mtimeMs });
    }
  }
}

export interface OpenedFile {
  /** Calls since the last time, in portions. @param isLast if no more is waited for. */
  advance(isLast: boolean): AsyncGenerator<{ calls: FoundCall[]; bytesRead: number }>;
}

/**
 * A file of lines goes on where it was; another one is read anew.
 *
 * @param withPullRequest whether pull requests are looked for.
 */
export function openAgentFile(
  source: Source,
  path: string,
  onSkipped: (reason: string) => void,
  withPullRequest = false,
): OpenedFile {
  let calls: FoundCall[] = [];
  const pullRequests = withPullRequest ? source.pullRequests?.(path) : undefined;
  const sink: Sink = {
    call(found) {
      calls.push(pullRequests === undefined ? found : { ...found, pullRequest: pullRequests.of(found.branch) });
    },
    skip: onSkipped,
  };
  const taken = (): FoundCall[] => {
    const portion = calls;
    calls = [];
    return portion;
  };
  const { lines, whole } = source;
  if (lines === undefined || (whole !== undefined && path.endsWith(".json"))) {
    return {
      async *advance() {
        const bytes = (await stat(path)).size;
        if (bytes > MAX_WHOLE_BYTES && !path.endsWith(".db") && !path.endsWith(".csv")) onSkipped(SKIPPED.longFile);
        else await whole!(path, sink);
        yield { calls: taken(), bytesRead: bytes };
      },
    };
  }

  let parser = lines(sink, path);
  let next = 0;
  const take = (text: string): boolean => {
    let record: unknown;
    try {
      record = JSON.parse(text);
    } catch {
      return false;
    }
    if (typeof record === "object" && record !== null && !Array.isArray(record)) parser.take(record as Values);
    else onSkipped(SKIPPED.otherRecord);
    return true;
  };
  return {
    async *advance(isLast) {
      await pullRequests?.advance();
      // A file that became shorter was written anew.
      if ((await stat(path)).size < next) {
        next = 0;
        parser = lines(sink, path);
      }
      const reading = readLinesFrom(path, next);
      let step = await reading.next();
      for (; step.done !== true; step = await reading.next()) {
        const before = next;
        for (const sent of step.value.lines) {
          const line = before === 0 && sent === step.value.lines[0] ? withoutMark(sent) : sent;
          if (line.length > 0 && parser.wants(line) && !take(line.toString("utf8"))) onSkipped(SKIPPED.unreadable);
        }
        for (let i = 0; i < step.value.tooLong; i++) onSkipped(SKIPPED.longLine);
        next = step.value.next;
        yield { calls: taken(), bytesRead: Math.max(0, next - before) };
      }
      if (isLast && step.value === null) onSkipped(SKIPPED.longLine);
      else if (isLast) takeRest(next === 0 ? withoutMark(step.value!) : step.value!);
      parser.end(isLast);
      yield { calls: taken(), bytesRead: 0 };
    },
  };

  /** A document that is not made of lines, or a last line: whole or half. */
  function takeRest(rest: Buffer): void {
    if (rest.length === 0 || !parser.wants(rest)) return;
    if (!take(rest.toString("utf8"))) onSkipped(SKIPPED.halfWritten);
  }
}

/** Some editors begin a file with a mark of its byte order, which is no JSON. */
function withoutMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}
