/** What is measured: the Worker with the routes of worker.ts in bare workerd, over backends of its own. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "../client/ledger.ts";
import { type BackendsProcess, forkBackends } from "../local/backends.ts";
import { type BareWorkerd, startWorkerd } from "./workerd.ts";

const ADMIN_KEY = "bench-admin-key-0123456789abcdef0123456789";

export interface Project {
  id: string;
  /** May write and read. */
  key: string;
}

export interface Subject {
  url: string;
  sourceMap: BareWorkerd["sourceMap"];
  backends: BackendsProcess;
  /** Of the Worker. */
  bindings: Record<string, string>;
  newProject(): Promise<Project>;
  /** Resident memory of the workerd process in MiB; undefined where the system does not tell. */
  memoryMib(): Promise<number | undefined>;
  stop(): Promise<void>;
}

/**
 * @param logFile of the Worker, if not this process' output.
 * @param inspectorPort of the Worker, which then is not minified.
 */
export async function startSubject(logFile?: string, inspectorPort?: number): Promise<Subject> {
  await using started = new AsyncDisposableStack();
  const backends = await forkBackends();
  started.defer(backends.stop);
  const bindings = { ...backends.bindings, ADMIN_KEY };
  const entry = join(import.meta.dirname, "worker.ts");
  const worker = await startWorkerd(bindings, entry, logFile, inspectorPort, inspectorPort === undefined);
  started.defer(worker.stop);
  const all = started.move();
  return {
    url: worker.url,
    sourceMap: worker.sourceMap,
    backends,
    bindings,
    newProject: () => newProject(worker.url),
    async memoryMib() {
      const status = await readFile(`/proc/${worker.pid}/status`, "utf8").catch(() => "");
      const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
      return kib === undefined ? undefined : Number(kib) / 1_024;
    },
    stop: () => all.disposeAsync(),
  };
}

async function newProject(url: string): Promise<Project> {
  using ledger = connect({ url, key: ADMIN_KEY });
  const post = async (path: string, body: unknown): Promise<Record<string, string>> => {
    const answer = await ledger.send({ path, body: JSON.stringify(body) });
    if (answer.status >= 300) throw new Error(`${path}: ${answer.status}`);
    return JSON.parse(String(answer.body)) as Record<string, string>;
  };
  const { id = "" } = await post("/v1/projects", { name: "bench" });
  const { key = "" } = await post("/v1/keys", { project_id: id, name: "bench", scopes: ["ingest", "read"] });
  return { id, key };
}
