/**
 * The pull requests that Claude Code noted in a session's file. The note comes after most of the calls that led to it,
 * so the file is looked through before its calls are read.
 */
import { basename, dirname } from "node:path";
import { pullRequestName } from "../../../src/ingest/decode/pull-request.ts";
import type { Values } from "../row-to-trace.ts";
import { objectAt, textAt } from "./json.ts";
import { MAX_LINE_BYTES, readLinesFrom } from "./lines.ts";

const NOTE = "pr-link";
const BRANCH = "gitBranch";

export interface PullRequests {
  /** Reads what was written since the last time. */
  advance(): Promise<void>;
  /**
   * The one of a call on this branch. A session with one is about it; with several, each is about the branch on which
   * it was noted. Undefined if that leaves more than one, or none.
   */
  of(branch: string | undefined): string | undefined;
}

/** @param path of a session, or of a sub-agent below it: that one's are its session's. */
export function openPullRequests(path: string): PullRequests {
  const session = basename(dirname(path)) === "subagents" ? `${dirname(dirname(path))}.jsonl` : path;
  const noted = new Map<string, Set<string | undefined>>();
  let next = 0;
  let branch: string | undefined;

  const note = (line: Buffer): void => {
    const record = recordOf(line);
    const name = record?.["type"] === NOTE ? nameOf(record) : undefined;
    if (name !== undefined) noted.set(name, (noted.get(name) ?? new Set()).add(branch));
  };
  const look = (lines: readonly Buffer[]): void => {
    let last: Buffer | undefined;
    const keepBranch = (): void => {
      if (last !== undefined) branch = textAt(recordOf(last), BRANCH) ?? branch;
      last = undefined;
    };
    for (const line of lines) {
      if (line.includes(`"${BRANCH}"`)) last = line;
      if (!line.includes(`"${NOTE}"`)) continue;
      keepBranch();
      note(line);
    }
    keepBranch();
  };
  return {
    async advance() {
      try {
        const reading = readLinesFrom(session, next);
        let step = await reading.next();
        for (; step.done !== true; step = await reading.next()) {
          look(step.value.lines);
          next = step.value.next;
        }
        if (step.value !== null && step.value.length <= MAX_LINE_BYTES) look([step.value]);
      } catch {
        // A sub-agent's session may be gone. Then nothing is known.
      }
    },
    of(branch) {
      if (noted.size === 1) return [...noted.keys()][0];
      const own = [...noted].filter(([, branches]) => branch !== undefined && branches.has(branch));
      return own.length === 1 ? own[0]![0] : undefined;
    },
  };
}

/** A number alone may be of any repository. */
function nameOf(record: Values): string | undefined {
  const url = textAt(record, "prUrl");
  const name = url === undefined ? undefined : pullRequestName(url, null);
  if (name !== undefined && /[^#]#\d+$/.test(name)) return name;
  const [repository, number] = [textAt(record, "prRepository"), record["prNumber"]];
  if (repository === undefined || typeof number !== "number" || !Number.isSafeInteger(number)) return undefined;
  return number > 0 ? pullRequestName(`${number}`, repository) : undefined;
}

function recordOf(line: Buffer): Values | undefined {
  try {
    return objectAt(JSON.parse(line.toString("utf8")));
  } catch {
    return undefined;
  }
}
