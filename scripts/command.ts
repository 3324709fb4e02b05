/** How commands end: with an exit code, or with a sentence for the person who ran it. */

/** Its message is that sentence; there is no stack trace. */
export class CommandError extends Error {
  override name = "CommandError";
}

/** Runs a command that loads what it needs as it goes, so that missing packages are a sentence, too. */
export function runCommand(main: () => Promise<number | void>): void {
  main().then(
    (code) => (process.exitCode = code ?? 0),
    (error: Error & { code?: string }) => {
      if (error instanceof CommandError) console.error(error.message);
      else if (error.code === "ERR_MODULE_NOT_FOUND") console.error('Packages are missing: run "npm ci" first.');
      else console.error(error);
      process.exitCode = 1;
    },
  );
}
