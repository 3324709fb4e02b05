/** Whose files can be imported: a row each. */
import { join } from "node:path";
import { parseClaudeCode } from "./claude-code.ts";
import { readClineSession } from "./cline-session.ts";
import { readCline } from "./cline.ts";
import { parseCodex } from "./codex.ts";
import { parseCopilot } from "./copilot.ts";
import { readCursor } from "./cursor.ts";
import type { Sink } from "./found-call.ts";
import { parseGemini, readGemini } from "./gemini.ts";
import type { LineParser } from "./line-parser.ts";
import { openPullRequests, type PullRequests } from "./pull-requests.ts";
import { readOpencode } from "./opencode.ts";
import { parseQwen } from "./qwen.ts";

/** The system that the files are on. */
export interface System {
  platform: NodeJS.Platform;
  home: string;
  env: Readonly<Record<string, string | undefined>>;
}

export interface Source {
  /** Where its files are, if no path is given. */
  folders(system: System): string[];
  /** Of the files there, those with sessions. @param path with slashes, from the folder. */
  has(path: string): boolean;
  /** Lines are read as they come. */
  lines?: (sink: Sink, path: string) => LineParser;
  /** Files without lines are read as a whole: all of a source without `lines`, else those named `.json`. */
  whole?: (path: string, sink: Sink) => Promise<void>;
  /** Which pull requests the calls of a file of lines led to. */
  pullRequests?: (path: string) => PullRequests;
}

const isLines = (path: string): boolean => path.endsWith(".jsonl");

export const SOURCES = {
  "claude-code": {
    folders: ({ home, env }) =>
      env["CLAUDE_CONFIG_DIR"] === undefined
        ? [join(home, ".claude", "projects"), join(home, ".config", "claude", "projects")]
        : env["CLAUDE_CONFIG_DIR"].split(",").map((folder) => join(folder.trim(), "projects")),
    has: isLines,
    lines: parseClaudeCode,
    pullRequests: openPullRequests,
  },
  codex: {
    folders: ({ home, env }) => {
      const folder = env["CODEX_HOME"] ?? join(home, ".codex");
      return [join(folder, "sessions"), join(folder, "archived_sessions")];
    },
    has: (path) => /(?:^|\/)rollout-[^/]*\.jsonl$/.test(path),
    lines: parseCodex,
  },
  gemini: {
    folders: ({ home, env }) => [join(env["GEMINI_CLI_HOME"] ?? home, ".gemini", "tmp")],
    has: (path) => /(?:^|\/)session-[^/]*\.jsonl?$/.test(path) || /(?:^|\/)chats\/.*\.jsonl?$/.test(path),
    lines: parseGemini,
    whole: readGemini,
  },
  qwen: {
    folders: ({ home }) => [join(home, ".qwen", "projects")],
    has: isLines,
    lines: parseQwen,
  },
  opencode: {
    folders: (system) => [join(system.env["XDG_DATA_HOME"] ?? join(system.home, ".local", "share"), "opencode")],
    has: (path) => /(?:^|\/)opencode[^/]*\.db(?:\.json)?$|(?:^|\/)message\/.*\.json$/.test(path),
    whole: readOpencode,
  },
  copilot: {
    folders: ({ env }) => env["COPILOT_OTEL_FILE_EXPORTER_PATH"]?.split("\0") ?? [],
    has: (path) => /\.(?:jsonl|ndjson|json|log)$/.test(path),
    lines: parseCopilot,
  },
  cline: {
    folders: (system) => [
      ...inEditors(system, "saoudrizwan.claude-dev"),
      ...["tasks", "sessions"].map((folder) => join(system.home, ".cline", "data", folder)),
    ],
    has: (path) => /(?:^|\/)ui_messages\.json$|\.messages\.json$/.test(path),
    whole: async (path, sink) =>
      path.endsWith(".messages.json")
        ? await readClineSession(path, sink)
        : await readCline(path, sink, { application: "cline", cachedIsInside: false }),
  },
  roo: {
    folders: (system) => inEditors(system, "rooveterinaryinc.roo-cline"),
    has: (path) => /(?:^|\/)ui_messages\.json$/.test(path),
    whole: async (path, sink) => await readCline(path, sink, { application: "roo-code", cachedIsInside: true }),
  },
  "cursor-csv": {
    folders: () => [],
    has: (path) => path.endsWith(".csv"),
    whole: readCursor,
  },
} as const satisfies Record<string, Source>;

export type SourceName = keyof typeof SOURCES;

/** The folder of an extension in each editor that is built on VS Code. */
function inEditors({ platform, home, env }: System, extension: string): string[] {
  const settings =
    platform === "win32"
      ? (env["APPDATA"] ?? join(home, "AppData", "Roaming"))
      : platform === "darwin"
        ? join(home, "Library", "Application Support")
        : (env["XDG_CONFIG_HOME"] ?? join(home, ".config"));
  const editors = ["Code", "Code - Insiders", "VSCodium", "Cursor", "Windsurf"].map((name) => join(settings, name));
  return [...editors, join(home, ".vscode-server", "data"), join(home, ".cursor-server", "data")].map((editor) =>
    join(editor, "User", "globalStorage", extension, "tasks"),
  );
}
