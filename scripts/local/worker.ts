/** The worker in workerd, through the Miniflare that wrangler brings: served on a port, reloaded, its cron fired. */
import { basename, dirname } from "node:path";
import { convertV4MiniflareOptions, Miniflare, type MiniflareOptions, NoOpLog } from "miniflare";
import { COMPATIBILITY_FLAGS } from "./bundle.ts";
import { type DemoOptions, demoWorker } from "./demo.ts";
import { guardChildren } from "./guardian.ts";
import { handlersOf, handlersWorker } from "./handlers.ts";
import { describeListenError } from "./listen.ts";
import { FILES_WORKER, filesWorker } from "./page-files.ts";
import { deliver, QUEUE_WORKER, queueWorker } from "./queue-delivery.ts";
import { StartError } from "./start-error.ts";

export interface WorkerOptions {
  /** A bundled ES module. */
  scriptPath: string;
  compatibilityDate: string;
  /** 0: any free one. */
  port: number;
  bindings: Record<string, string>;
  /** Where the queues are, see queue-endpoint.ts. They are used with an `INGEST_MODE` of `queue`. */
  queueUrl: string;
  /** Hyperdrive bindings: the databases that they lead to. */
  hyperdrives: Record<string, string>;
  /** Serves the page from `dist/page`, too. */
  page?: boolean;
  /** Without it there is no `/dev/demo`. */
  demo?: DemoOptions | undefined;
  /** Takes what the Worker logs; default: it goes to this process' own output. */
  log?: (message: string) => void;
}

export interface Worker {
  url: string;
  /** Takes the script from disk again; requests wait meanwhile. */
  reload(): Promise<void>;
  /** Fires `scheduled()` and waits for its end. */
  runCron(cron: string): Promise<void>;
  stop(): Promise<void>;
}

/** @throws StartError when the port is taken, or the script throws as it is loaded. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  guardChildren();
  const { compatibilityDate, demo, page } = options;
  let url = "";
  const more = [
    ...(page ? [await filesWorker(compatibilityDate, demo !== undefined)] : []),
    ...(demo === undefined ? [] : [demoWorker(demo, () => url, compatibilityDate)]),
  ];
  const miniflare = keepSignalHandlers(() => new Miniflare(miniflareOptions(options, more)));
  try {
    url = (await miniflare.ready).origin;
    const handlers = handlersOf(miniflare);
    const stopDelivering = hasQueue(options) ? deliver(options.queueUrl, handlers) : null;
    return {
      url,
      reload: () => miniflare.setOptions(miniflareOptions(options, more)),
      runCron: async (cron) => {
        const outcome = await handlers.scheduled(cron);
        if (outcome !== "ok") throw new Error(`scheduled() ended with "${outcome}"`);
      },
      stop: async () => {
        await stopDelivering?.();
        await miniflare.dispose();
      },
    };
  } catch (error) {
    await miniflare.dispose().catch(() => undefined);
    const { code } = error as { code?: string };
    if (code === "ERR_ADDRESS_IN_USE")
      throw describeListenError({ ...(error as Error), code: "EADDRINUSE" }, options.port);
    if (code === "ERR_RUNTIME_FAILURE") throw new StartError("The worker does not start: what it throws stands above.");
    throw error;
  }
}

// Reads the script, so each reload needs its own.
function miniflareOptions(
  options: WorkerOptions,
  more: (Awaited<ReturnType<typeof filesWorker>> | ReturnType<typeof demoWorker>)[],
): MiniflareOptions {
  const { scriptPath, compatibilityDate, port, bindings, hyperdrives, log, queueUrl } = options;
  const main = {
    name: "llm-cost",
    modules: true,
    // workerd takes no path that leads out of the folder it starts from, and the script may be anywhere.
    rootPath: dirname(scriptPath),
    scriptPath: basename(scriptPath),
    compatibilityDate,
    compatibilityFlags: COMPATIBILITY_FLAGS,
    bindings,
    hyperdrives,
    serviceBindings: {
      ...(options.page && { ASSETS: FILES_WORKER }),
      ...(hasQueue(options) && { INGEST_QUEUE: QUEUE_WORKER }),
    },
  };
  const handlers = handlersWorker(main.name, compatibilityDate);
  const queues = hasQueue(options) ? [queueWorker(queueUrl, compatibilityDate)] : [];
  const workers = [main, handlers, ...queues, ...more];
  return convertV4MiniflareOptions({
    host: "127.0.0.1",
    port,
    workers,
    // Without this it asks Cloudflare for a sample of `request.cf`.
    cf: false,
    log: new NoOpLog(),
    handleStructuredLogs: ({ level, message }) => {
      if (log) log(message);
      else if (level === "error" || level === "warn") console.error(message);
      else console.log(message);
    },
  });
}

function hasQueue({ bindings }: WorkerOptions): boolean {
  return bindings["INGEST_MODE"] === "queue";
}

// Miniflare ends the process at once on a signal; Postgres needs the time to stop in order.
function keepSignalHandlers<T>(make: () => T): T {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const before = signals.map((signal) => process.listeners(signal));
  const made = make();
  signals.forEach((signal, index) => {
    for (const listener of process.listeners(signal)) {
      if (!before[index]?.includes(listener)) process.off(signal, listener);
    }
  });
  return made;
}
