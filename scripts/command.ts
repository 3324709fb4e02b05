/**
 * How commands begin and end. A command ends with an exit code or with a sentence for the person who ran it; whatever
 * it started ends with it, also after a failure, Ctrl-C, SIGTERM or a closed terminal.
 */

/** Its message is that sentence; there is no stack trace. */
export class CommandError extends Error {
  override name = "CommandError";
}

/** Somebody asked for `--help`; its message is what to show. */
export class HelpAsked extends Error {
  override name = "HelpAsked";
}

export interface Lifetime {
  /** Disposed of when the command ends, however it ends: the latest first. */
  ends: AsyncDisposableStack;
  /**
   * After this call the first signal aborts what is returned, and the command has to end by itself. Without it, a
   * signal disposes of `ends` and exits. A second signal exits at once.
   */
  endByItself(): AbortSignal;
}

/** @returns the exit code; nothing means 0. */
export type Main = (args: readonly string[], lifetime: Lifetime) => Promise<number | void>;

/** A terminal tells npm and this process of a Ctrl-C, and npm passes it on: what comes so soon is the same one. */
const SAME_SIGNAL_MS = 1_000;
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** @param load imports the command. Only here, so that missing packages are a sentence and not a stack trace. */
export function runCommand(load: () => Promise<{ main: Main }>): void {
  const ends = new AsyncDisposableStack();
  const signalled = new AbortController();
  let byItself = false;
  let signalledAtMs = 0;
  let ended: Promise<void> | undefined;
  const end = (): Promise<void> => (ended ??= ends.disposeAsync());
  const exit = async (code: number): Promise<void> => {
    await end().catch((error: unknown) => console.error(error));
    process.exit(code);
  };

  for (const [signal, number] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      if (signalled.signal.aborted) {
        if (performance.now() - signalledAtMs > SAME_SIGNAL_MS) process.exit(128 + number);
        return;
      }
      signalledAtMs = performance.now();
      // A closed terminal must not stop the stopping.
      for (const output of [process.stdout, process.stderr]) output.on("error", () => {});
      signalled.abort();
      if (!byItself) void exit(128 + number);
    });
  }
  const lifetime: Lifetime = {
    ends,
    endByItself() {
      byItself = true;
      return signalled.signal;
    },
  };
  const run = async (): Promise<void> => {
    try {
      const { main } = await load();
      const code = await main(process.argv.slice(2), lifetime);
      await end();
      process.exitCode = code ?? 0;
    } catch (error) {
      // What fails because a signal took its ground away needs no words.
      if (signalled.signal.aborted && !byItself) return;
      process.exitCode = describe(error);
      await end();
    }
  };
  run().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
}

/** Prints why a command ended, and returns its exit code. */
function describe(error: unknown): number {
  if (error instanceof HelpAsked) {
    console.log(error.message);
    return 0;
  }
  if (error instanceof CommandError) console.error(error.message);
  else if ((error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND")
    console.error('Packages are missing: run "npm ci" first.');
  else console.error(error);
  return 1;
}
