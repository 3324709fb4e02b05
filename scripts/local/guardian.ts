/**
 * Keeps a child process from outliving this one. Node cannot run anything when it is killed with -9, so a small shell
 * waits at the other end of a pipe: the pipe closes when this process is gone, and the shell ends the child.
 */
import { execFile, spawn } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";

// In a session of its own, out of reach of a terminal's Ctrl-C. "$0" is the pid.
const wait = 'read -r word; [ "$word" = done ] || kill -INT "$0"';

/** Watches over a child; call what it returns once the child has ended or is no longer ours. */
export function guard(pid: number): () => void {
  if (process.platform === "win32") return () => {};
  const shell = spawn("sh", ["-c", wait, String(pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
    cwd: "/",
  });
  shell.on("error", () => {});
  shell.stdin.on("error", () => {});
  shell.unref();
  let released = false;
  return () => {
    if (!released) shell.stdin.end("done\n");
    released = true;
  };
}

/** The pid of this process' child whose command line contains `part`. */
export async function findChild(part: string): Promise<number | undefined> {
  const all = process.platform === "linux" ? await processesOfLinux() : await processesOfPs();
  return all.find(({ parent, command }) => parent === process.pid && command.includes(part))?.pid;
}

interface Process {
  pid: number;
  parent: number;
  command: string;
}

async function processesOfLinux(): Promise<Process[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  return Promise.all(
    pids.map(async (pid) => {
      const [status, command] = await Promise.all(
        ["stat", "cmdline"].map((file) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "")),
      );
      // "pid (name) state parent …": the name may contain anything, so count from its end.
      const parent = Number(status?.slice(status.lastIndexOf(")") + 2).split(" ")[1]);
      return { pid: Number(pid), parent, command: command ?? "" };
    }),
  );
}

async function processesOfPs(): Promise<Process[]> {
  const { stdout } = await promisify(execFile)("ps", ["-A", "-o", "pid=,ppid=,command="]).catch(() => ({ stdout: "" }));
  return stdout.split("\n").map((line) => {
    const [pid, parent, ...command] = line.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), command: command.join(" ") };
  });
}
