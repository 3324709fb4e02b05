/** Postgres that stands still: all its processes are stopped where they are, and go on as if no time had passed. */
import pg from "pg";
import { CommandError } from "../command.ts";

/**
 * @param databaseUrl a superuser's, of a Postgres on this machine whose processes may be stopped.
 * @returns lets it go on; calling it again does nothing.
 */
export async function stallPostgres(databaseUrl: string): Promise<() => void> {
  if (process.platform === "win32") throw new CommandError("Windows cannot stop a process and let it go on.");
  const client = new pg.Client({ connectionString: databaseUrl });
  // It may end while it stands still.
  client.on("error", () => {});
  await client.connect();
  const stopped: number[] = [];
  const stop = (pid: number): void => {
    if (signal(pid, "SIGSTOP")) stopped.push(pid);
  };
  const resume = (): void => {
    if (stopped.length === 0) return;
    for (const pid of stopped.splice(0)) signal(pid, "SIGCONT");
    void client.end();
  };
  try {
    // First the one that starts the others: then there are no more than are listed.
    const { rows } = await client.query<{ file: string }>("select pg_read_file('postmaster.pid') as file");
    stop(Number.parseInt(rows[0]!.file, 10));
    const listed = await client.query<{ pid: number }>("select pid from pg_stat_activity");
    for (const { pid } of listed.rows) stop(pid);
  } catch (error) {
    resume();
    throw error;
  }
  return resume;
}

/** Returns false where the process has ended. */
function signal(pid: number, name: "SIGSTOP" | "SIGCONT"): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}
