/**
 * Programs that npm does not bring: Debian's `prometheus` (with `promtool`) and `prometheus-node-exporter`. Where one is
 * missing its tests are skipped, and fail if REQUIRE_PROMETHEUS is 1.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";

const NAMES = ["prometheus", "promtool", "prometheus-node-exporter"] as const;
type Name = (typeof NAMES)[number];

export const missing: readonly Name[] = NAMES.filter((name) => spawnSync(name, ["--version"]).error !== undefined);
export const skipped = missing.length > 0 && process.env["REQUIRE_PROMETHEUS"] !== "1";
if (skipped) console.warn(`skipped: ${missing.join(", ")} not found (apt install prometheus prometheus-node-exporter)`);

/** Runs promtool to its end. */
export function promtool(args: readonly string[]): { code: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync("promtool", args, { encoding: "utf8" });
  return { code: status, output: `${stdout}${stderr}` };
}

export interface Program {
  /** All that it printed so far. */
  output: () => string;
  ended: () => boolean;
  /** Ends that very process, and waits for it. */
  stop: () => Promise<void>;
}

export function start(name: Name, args: readonly string[]): Program {
  const child: ChildProcess = spawn(name, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const exit = once(child, "exit");
  exit.catch(() => {});
  return {
    output: () => output,
    ended: () => child.exitCode !== null || child.signalCode !== null,
    async stop() {
      child.kill("SIGKILL");
      await exit;
    },
  };
}
