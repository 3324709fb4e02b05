/**
 * How each coding agent is set up to send its calls here. First run, `/docs` and src/http/README.md show it: all by this
 * table.
 */
export interface Target {
  /** The ledger's address, without a slash at its end. */
  url: string;
  /** An API key of scope `ingest`. */
  key: string;
}

/** What is pasted into one place. */
export interface Step {
  /** A shell, or a file of this name or kind. */
  place: string;
  /** As Markdown names it. */
  language: "sh" | "json" | "toml" | "ts" | "yaml";
  text: (to: Target) => string;
}

export interface Emitter {
  name: string;
  title: string;
  /** What to know besides. */
  note: string;
  steps: readonly Step[];
}

const bearer = (key: string): string => `"authorization=Bearer ${key}"`;

export const shell = (text: Step["text"]): Step => ({ place: "shell", language: "sh", text });

const json = (place: string, text: Step["text"]): Step => ({ place, language: "json", text });

const headers = shell(({ key }) => `export OTEL_EXPORTER_OTLP_HEADERS=${bearer(key)}`);

const telemetrySettings: Step["text"] = ({ url }) => `{
  "telemetry": {
    "enabled": true,
    "target": "local",
    "otlpEndpoint": "${url}",
    "otlpProtocol": "http"
  }
}`;

const endpoint: Step["text"] = ({ url, key }) => `export OTEL_EXPORTER_OTLP_ENDPOINT=${url}
export OTEL_EXPORTER_OTLP_HEADERS=${bearer(key)}`;

const WITHOUT_PROTOCOL = "Without otlpProtocol it speaks gRPC, which the ledger does not.";

export const AGENTS: readonly Emitter[] = [
  {
    name: "claude-code",
    title: "Claude Code",
    note: "The last line adds spans, which show sub-agents and tools as a tree. A call counts once all the same.",
    steps: [
      shell(
        ({ url, key }) => `export CLAUDE_CODE_ENABLE_TELEMETRY=1 OTEL_LOGS_EXPORTER=otlp OTEL_METRICS_EXPORTER=otlp
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf OTEL_EXPORTER_OTLP_ENDPOINT=${url}
export OTEL_EXPORTER_OTLP_HEADERS=${bearer(key)}
export CLAUDE_CODE_ENHANCED_TELEMETRY_BETA=1 OTEL_TRACES_EXPORTER=otlp`,
      ),
    ],
  },
  {
    name: "codex",
    title: "Codex",
    note: "The last two parts send counters, for GET /v1/coverage, and spans. A run that ends with an error exports nothing. Only its session file knows of it.",
    steps: [
      {
        place: "~/.codex/config.toml",
        language: "toml",
        text: ({ url, key }) => `[otel]
environment = "production"

[otel.exporter.otlp-http]
endpoint = "${url}/v1/logs"
protocol = "binary"
headers = { authorization = "Bearer ${key}" }

[otel.metrics_exporter.otlp-http]
endpoint = "${url}/v1/metrics"
protocol = "binary"
headers = { authorization = "Bearer ${key}" }

[otel.trace_exporter.otlp-http]
endpoint = "${url}/v1/traces"
protocol = "binary"
headers = { authorization = "Bearer ${key}" }`,
      },
    ],
  },
  {
    name: "gemini-cli",
    title: "Gemini CLI",
    note: `${WITHOUT_PROTOCOL} As old as 0.32.1, it needs URL/v1/traces there.`,
    steps: [json("~/.gemini/settings.json", telemetrySettings), headers],
  },
  {
    name: "qwen-code",
    title: "Qwen Code",
    note: `${WITHOUT_PROTOCOL} As old as 0.12.0, it needs URL/v1/traces there.`,
    steps: [json("~/.qwen/settings.json", telemetrySettings), headers],
  },
  {
    name: "copilot-cli",
    title: "Copilot CLI",
    note: "Its spans name the credits that a call took. They become its reported cost.",
    steps: [shell((to) => `export COPILOT_OTEL_ENABLED=true\n${endpoint(to)}`)],
  },
  {
    name: "copilot-vscode",
    title: "Copilot in VS Code",
    note: "Settings Sync takes the key along, so use one of scope ingest. Reload the window afterwards.",
    steps: [
      json(
        "settings.json",
        ({ url, key }) => `{
  "github.copilot.chat.otel.enabled": true,
  "github.copilot.chat.otel.exporterType": "otlp-http",
  "github.copilot.chat.otel.otlpEndpoint": "${url}",
  "github.copilot.chat.otel.headers": { "authorization": "Bearer ${key}" }
}`,
      ),
    ],
  },
  {
    name: "opencode",
    title: "opencode",
    note: "A single run ends before its last spans are sent. Import its files, too.",
    steps: [
      json("~/.config/opencode/opencode.json", () => `{ "experimental": { "openTelemetry": true } }`),
      shell(endpoint),
    ],
  },
  {
    name: "cline",
    title: "Cline",
    note: "Start the editor from the same shell, so that it has the variables. Cline's command line sends its telemetry to its maker alone: import its files.",
    steps: [
      shell(
        ({ url, key }) => `export CLINE_OTEL_TELEMETRY_ENABLED=true CLINE_OTEL_LOGS_EXPORTER=otlp
export CLINE_OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf CLINE_OTEL_EXPORTER_OTLP_ENDPOINT=${url}
export CLINE_OTEL_EXPORTER_OTLP_HEADERS=${bearer(key)}`,
      ),
    ],
  },
  {
    name: "import",
    title: "Session files",
    note: "In a clone of the ledger: what agents left on disk. It can be run again: a call counts once, also beside telemetry.",
    steps: [
      shell(
        ({ url, key }) => `export LLM_COST_URL=${url} LLM_COST_KEY=${key}
npm run import -- --from claude-code  # or codex, gemini, qwen, opencode, copilot, cline, roo
npm run import -- --from cursor-csv usage-events.csv`,
      ),
    ],
  },
];
