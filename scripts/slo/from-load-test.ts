/**
 * Service levels by the record of a load test. It has percentiles and no bins, so a latency is judged by the percentile
 * of its target, and how much of the budget is left is not known. Latencies count from when a request was sent, as the
 * server sees them.
 */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { CommandError } from "../command.ts";
import { OBJECTIVES, type Objective } from "../monitoring/objectives.ts";
import { type Level, levelOf } from "./level.ts";

const Count = z.number().int().nonnegative();
const Percentiles = z.object({ p50: z.number(), p90: z.number(), p95: z.number(), p99: z.number() });
const Figures = z.object({
  outcomes: z.object({ ok: Count, limited: Count, unavailable: Count, refused: Count, error: Count, failed: Count }),
  fromSentMs: Percentiles,
});
const Report = z.object({ name: z.string(), total: Figures, kinds: z.record(z.string(), Figures) });
type Report = z.infer<typeof Report>;

/** @throws CommandError if the file is none of a load test. */
export async function levelsOfLoadTest(file: string): Promise<Level[]> {
  const report = await readReport(file);
  return OBJECTIVES.flatMap((objective) => {
    const { inLoadTest } = objective;
    if (inLoadTest === null) return [];
    const { kinds, withinMs } = inLoadTest;
    return withinMs === null ? [availability(objective, report)] : latencies(objective, report, kinds, withinMs);
  });
}

async function readReport(file: string): Promise<Report> {
  try {
    return Report.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === "ENOENT" ? "is not there" : "is no report of a load test";
    throw new CommandError(`--load-test: ${file} ${why}.`);
  }
}

/** A request without any answer failed, too. */
function availability(objective: Objective, { name, total: { outcomes } }: Report): Level {
  const bad = outcomes.unavailable + outcomes.error + outcomes.failed;
  const all = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
  return levelOf(objective, name, all === 0 ? null : bad / all, `${bad} of ${all}`);
}

function latencies(objective: Objective, report: Report, which: "all" | "writes" | "reads", withinMs: number): Level[] {
  const kinds = Object.keys(report.kinds).filter(
    (kind) => which === "all" || (kind === "write") === (which === "writes"),
  );
  if (kinds.length === 0) return [levelOf(objective, report.name, null)];
  return kinds.map((kind) => {
    const percentile = percentileOf(objective.target);
    const ms = report.kinds[kind]!.fromSentMs[percentile];
    return {
      ...levelOf(objective, `${report.name}: ${kind}`, null),
      kept: ms <= withinMs,
      note: `${percentile} is ${ms.toFixed(1)} ms, at most ${withinMs} ms`,
    };
  });
}

/** @throws Error if a record has no percentile of it. */
function percentileOf(target: number): "p50" | "p90" | "p95" | "p99" {
  const name = `p${Number((target * 100).toPrecision(6))}`;
  if (name === "p50" || name === "p90" || name === "p95" || name === "p99") return name;
  throw new Error(`the record of a load test has no ${name}`);
}
