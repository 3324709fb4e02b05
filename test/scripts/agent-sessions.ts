/** Session files as agents write them, a line for each, and an import of them into a server that takes what comes. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { connect } from "../../scripts/client/ledger.ts";
import { type Account, openAccount } from "../../scripts/import/agents/account.ts";
import { type AgentsImported, importAgents } from "../../scripts/import/agents/import-agents.ts";
import { parseAgentArgs } from "../../scripts/import/agents/options.ts";
import type { FakeLedger } from "./fake-ledger.ts";

export const START_MS = Date.UTC(2026, 10, 20, 12);
export const at = (seconds: number): string => new Date(START_MS + seconds * 1_000).toISOString();

export interface ClaudeLine {
  message?: string | null;
  request?: string | null;
  second?: number;
  output?: number;
  stop?: string | null;
  [field: string]: unknown;
}

/** A line of Claude Code: 100 input, 1,000 cache read and 10 output tokens. */
export function claudeLine(line: ClaudeLine = {}): string {
  const { message = "msg_1", request = "req_1", second = 0, output = 10, stop = "end_turn", ...others } = line;
  return JSON.stringify({
    type: "assistant",
    timestamp: at(second),
    sessionId: "5e55104e-0000-4000-8000-000000000001",
    cwd: "/home/ada/secret-project",
    gitBranch: "secret-branch",
    isSidechain: false,
    ...(request !== null && { requestId: request }),
    uuid: `uuid-${second}`,
    message: {
      ...(message !== null && { id: message }),
      model: "claude-sonnet-4-5-20250929",
      role: "assistant",
      content: [{ type: "text", text: "a secret answer" }],
      stop_reason: stop,
      usage: {
        input_tokens: 100,
        cache_read_input_tokens: 1_000,
        cache_creation_input_tokens: 0,
        output_tokens: output,
        service_tier: "standard",
        note: "a secret note",
      },
    },
    ...others,
  });
}

export interface Run {
  account: Account;
  imported: AgentsImported;
  /** What the server has, by id. */
  calls: Sent[];
}

export interface Sent {
  id: string;
  timestamp: string;
  model: string;
  input_tokens?: number;
  output_tokens?: number;
  usage?: Record<string, number>;
  [field: string]: unknown;
}

/** A folder with these files. `run` imports it, with these flags. */
export async function sessions(from: string, files: Record<string, string | Buffer>) {
  const folder = await mkdtemp(join(tmpdir(), "agent-import-test-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const write = async (name: string, content: string | Buffer): Promise<void> => {
    const path = join(folder, "files", name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  };
  for (const [name, content] of Object.entries(files)) await write(name, content);
  const run = async (
    ledger: FakeLedger,
    flags: string[] = [],
    wait: (abort: () => void) => Promise<void> = async () => {},
  ): Promise<Run> => {
    const options = parseAgentArgs(["--from", from, ...flags, join(folder, "files")]);
    const account = openAccount();
    const interruption = new AbortController();
    const server = { url: ledger.url, key: "k", keyIsLocal: false };
    const connected = connect(server);
    onTestFinished(() => connected[Symbol.dispose]());
    const imported = await importAgents(options, {
      system: { platform: "linux", home: "/nowhere", env: {} },
      to: { server, ledger: connected },
      dataDir: folder,
      account,
      now: () => START_MS + 3_600_000,
      wait: async () => await wait(() => interruption.abort()),
      interrupted: interruption.signal,
    });
    return { account, imported, calls: [...ledger.calls.values()] as unknown as Sent[] };
  };
  return { folder: join(folder, "files"), write, run };
}
