/** `npm run load-test`, from its flags to its report. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { dataDir } from "../client/server.ts";
import type { Lifetime } from "../command.ts";
import { loadTest } from "./load-test.ts";
import { parseLoadTestArgs } from "./options.ts";
import { reportHtml, reportLines } from "./report.ts";

export async function main(args: readonly string[], { ends }: Lifetime): Promise<number> {
  const options = parseLoadTestArgs(args);
  const out = options.out ?? join(dataDir(process.env), "load-test");
  await mkdir(out, { recursive: true });
  // Only now: workerd and the backends take seconds to import, for which `--help` need not wait.
  const { findTarget } = await import("./target.ts");
  const target = await findTarget(options, process.env, join(out, "worker.log"), ends);
  const report = await loadTest(target.server, options.work, options.seconds, target.stall);
  await writeFile(join(out, "report.json"), JSON.stringify(report, null, 2));
  await writeFile(join(out, "report.html"), reportHtml(report));
  console.log(reportLines(report).join("\n"));
  console.log(`  report: ${join(out, "report.html")}`);
  return report.faults.length > 0 ? 1 : 0;
}
