/** What is measured: the Worker in bare workerd, over backends of its own. */
import { readFile } from "node:fs/promises";
import { type BackendsProcess, forkBackends } from "../local/backends.ts";
import { startWorkerd } from "./workerd.ts";

const ADMIN_KEY = "bench-admin-key-0123456789abcdef0123456789";

export interface Project {
  id: string;
  /** May write and read. */
  key: string;
}

export interface Subject {
  url: string;
  backends: BackendsProcess;
  /** Of the Worker. */
  bindings: Record<string, string>;
  newProject(): Promise<Project>;
  /** Resident memory of the workerd process in MiB; undefined where the system does not tell. */
  memoryMib(): Promise<number | undefined>;
  stop(): Promise<void>;
}

/**
 * @param entry of the Worker, if not the project's own.
 * @param logFile of the Worker, if not this process' output.
 */
export async function startSubject(entry?: string, logFile?: string): Promise<Subject> {
  const backends = await forkBackends();
  const bindings = { ...backends.bindings, ADMIN_KEY };
  const worker = await startWorkerd(bindings, entry, logFile);
  return {
    url: worker.url,
    backends,
    bindings,
    newProject: () => newProject(worker.url),
    async memoryMib() {
      const status = await readFile(`/proc/${worker.pid}/status`, "utf8").catch(() => "");
      const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
      return kib === undefined ? undefined : Number(kib) / 1_024;
    },
    async stop() {
      await worker.stop();
      await backends.stop();
    },
  };
}

async function newProject(url: string): Promise<Project> {
  const post = async (path: string, body: unknown): Promise<Record<string, string>> => {
    const headers = { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/json" };
    const response = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return (await response.json()) as Record<string, string>;
  };
  const { id = "" } = await post("/v1/projects", { name: "bench" });
  const { key = "" } = await post("/v1/keys", { project_id: id, name: "bench", scopes: ["ingest", "read"] });
  return { id, key };
}
