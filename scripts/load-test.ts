/** `npm run load-test`: believable load on a server, and whether it held. `--help` explains. */
import { runCommand } from "./command.ts";

async function main(): Promise<number> {
  // Only now, so that missing packages are a sentence and not a stack trace.
  const { LOAD_TEST_HELP, parseLoadTestArgs } = await import("./load-test/options.ts");
  const options = parseLoadTestArgs(process.argv.slice(2));
  if (!options) {
    console.log(LOAD_TEST_HELP);
    return 0;
  }
  const { mkdir, writeFile } = await import("node:fs/promises");
  const { join } = await import("node:path");
  const { dataDir } = await import("./import/server.ts");
  const { loadTest } = await import("./load-test/load-test.ts");
  const { reportHtml, reportLines } = await import("./load-test/report.ts");
  const { findTarget } = await import("./load-test/target.ts");

  const out = options.out ?? join(dataDir(process.env), "load-test");
  await mkdir(out, { recursive: true });
  const target = await findTarget(options, process.env, join(out, "worker.log"));
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void target.stop().finally(() => process.exit(130)));
  }
  try {
    const report = await loadTest(target.server, options.work, options.seconds, target.stall);
    await writeFile(join(out, "report.json"), JSON.stringify(report, null, 2));
    await writeFile(join(out, "report.html"), reportHtml(report));
    console.log(reportLines(report).join("\n"));
    console.log(`  report: ${join(out, "report.html")}`);
    return report.faults.length > 0 ? 1 : 0;
  } finally {
    await target.stop();
  }
}

runCommand(main);
