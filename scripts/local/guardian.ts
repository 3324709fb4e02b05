/**
 * No child outlives this process. Node cannot run anything once it is killed with -9, so a small shell waits at the
 * other end of a pipe: it knows which children live, and ends them when the pipe closes.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";

/** A child before it starts: Node's own method starts it. */
interface StartedChild extends ChildProcess {
  spawn(options: object): number;
}

// Each line is the whole list, so the last one counts.
const script = 'pids=; while read -r line; do pids=$line; done; [ -z "$pids" ] || kill -INT $pids';

let guarding = false;

/** From now on, whatever starts a process here, a library too: the guardian knows of it before anything else runs. */
export function guardChildren(): void {
  if (guarding || process.platform === "win32") return;
  guarding = true;
  // In a session of its own, out of reach of a terminal's Ctrl-C and of what ends a whole group.
  const shell = spawn("sh", ["-c", script], { stdio: ["pipe", "ignore", "ignore"], detached: true, cwd: "/" });
  shell.on("error", () => {});
  shell.stdin.on("error", () => {});
  shell.unref();

  const pids = new Set<number>();
  const tell = (): void => void shell.stdin.write(`${[...pids].join(" ")}\n`);
  subscribe("child_process", (message) => {
    const { process: child } = message as { process: StartedChild };
    // The event "spawn" comes later, and this process may be killed before it.
    const start = child.spawn;
    child.spawn = (options) => {
      const error = start.call(child, options);
      if (child.pid !== undefined) {
        pids.add(child.pid);
        tell();
      }
      return error;
    };
    child.once("exit", () => {
      if (pids.delete(child.pid!)) tell();
    });
  });
}
