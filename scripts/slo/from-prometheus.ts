/** Service levels as a Prometheus has measured them. */
import { z } from "zod";
import { CommandError } from "../command.ts";
import { OBJECTIVES } from "../monitoring/objectives.ts";
import { type Level, levelOf } from "./level.ts";

const TIMEOUT_MS = 60_000;

const Answer = z.object({
  data: z.object({
    result: z.array(z.object({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) })),
  }),
});

/** @throws CommandError if Prometheus does not answer. */
export async function levelsOfPrometheus(url: string, window: string, job: string): Promise<Level[]> {
  const levels: Level[] = [];
  for (const objective of OBJECTIVES) {
    const samples = await query(url, objective.badShare(window, `job=~"${job}"`));
    if (samples.length === 0) levels.push(levelOf(objective, job, null));
    for (const { metric, value } of samples) levels.push(levelOf(objective, metric["job"] ?? job, Number(value[1])));
  }
  return levels;
}

async function query(url: string, expr: string): Promise<z.infer<typeof Answer>["data"]["result"]> {
  const ask = new URL("api/v1/query", url.endsWith("/") ? url : `${url}/`);
  ask.searchParams.set("query", expr);
  const response = await fetch(ask, { signal: AbortSignal.timeout(TIMEOUT_MS) }).catch((error: Error) => {
    throw new CommandError(`${ask.host} does not answer: ${error.message}.`);
  });
  const text = await response.text();
  if (!response.ok) throw new CommandError(`${ask.host} answers ${response.status}: ${text.slice(0, 300)}`);
  try {
    return Answer.parse(JSON.parse(text)).data.result;
  } catch {
    throw new CommandError(`${ask.host} does not answer as a Prometheus does.`);
  }
}
