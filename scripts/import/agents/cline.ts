/**
 * The tasks of Cline and of Roo Code, which grew from it: `ui_messages.json` in a folder for each task. A message
 * `api_req_started` gets its counts when the request has ended. Cached tokens are outside the input of Cline, and inside
 * that of Roo Code.
 */
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { coverOfCline } from "../../../src/ingest/decode/covered-by.ts";
import { clineProvider } from "../../../src/ingest/decode/log/cline.ts";
import type { Values } from "../row-to-trace.ts";
import { readDocument } from "./document.ts";
import { type FoundCall, type Sink, SKIPPED, UNKNOWN_MODEL } from "./found-call.ts";
import { countAt, objectAt, sumOf, textAt, timeAt, usdAt } from "./json.ts";

export interface ClineForm {
  application: string;
  cachedIsInside: boolean;
}

interface UsedModel {
  fromMs: number;
  model: string;
  provider: string | undefined;
}

export async function readCline(path: string, sink: Sink, form: ClineForm): Promise<void> {
  const messages: unknown = await readDocument(path);
  if (!Array.isArray(messages)) return sink.skip(SKIPPED.otherForm);
  const used = await usedModels(dirname(path));
  const task = basename(dirname(path));
  for (const value of messages) {
    const message = objectAt(value);
    if (message?.["say"] !== "api_req_started") continue;
    const found = toCall(message, task, used, form);
    if (typeof found === "string") sink.skip(found);
    else if (found !== null) sink.call(found);
  }
}

/** Which models a task used since when, if its folder says it. */
async function usedModels(folder: string): Promise<UsedModel[]> {
  const text = await readFile(join(folder, "task_metadata.json"), "utf8").catch(() => "{}");
  const usage = parsed(text)?.["model_usage"];
  if (!Array.isArray(usage)) return [];
  return usage.flatMap((entry) => {
    const [fromMs, model] = [timeAt(objectAt(entry), "ts"), textAt(objectAt(entry), "model_id")];
    if (fromMs === undefined || model === undefined) return [];
    return [{ fromMs, model, provider: textAt(objectAt(entry), "model_provider_id") }];
  });
}

function parsed(text: unknown): Values | undefined {
  try {
    return typeof text === "string" ? objectAt(JSON.parse(text)) : undefined;
  } catch {
    return undefined;
  }
}

function toCall(message: Values, task: string, used: UsedModel[], form: ClineForm): FoundCall | string | null {
  const request = parsed(message["text"]);
  if (request === undefined) return SKIPPED.unreadable;
  const startedAtMs = timeAt(message, "ts");
  if (startedAtMs === undefined) return SKIPPED.noTime;
  const [tokensIn, output, writes, reads] = ["tokensIn", "tokensOut", "cacheWrites", "cacheReads"].map((name) =>
    countAt(request, name),
  );
  // The request has not ended, or it failed before it was answered.
  if (tokensIn === undefined || output === undefined) return null;
  if ([tokensIn, output, writes, reads].some(Number.isNaN)) return SKIPPED.badCounts;
  const info = objectAt(message, "modelInfo");
  const last = used.findLast(({ fromMs }) => fromMs <= startedAtMs) ?? used[0];
  const input = form.cachedIsInside ? Math.max(tokensIn, sumOf(reads, writes)) : sumOf(tokensIn, reads, writes);
  const sent = textAt(info, "providerId") ?? textAt(request, "inferenceProvider")?.toLowerCase() ?? last?.provider;
  const own = `${form.application}:${task}:${startedAtMs}`;
  return {
    id: `${own}:${input}/${reads ?? ""}/${output}`,
    key: own,
    startedAtMs,
    application: form.application,
    provider: clineProvider(sent),
    coveredBy: coverOfCline(sent ?? null),
    model: textAt(info, "modelId") ?? last?.model ?? UNKNOWN_MODEL,
    sessionId: task,
    otherIds: [],
    counts: {
      input_tokens: input,
      output_tokens: output,
      ...(reads !== undefined && { cache_read_tokens: reads }),
      ...(writes !== undefined && { cache_write_tokens: writes }),
    },
    tokens: input + output,
    costUsd: usdAt(request, "cost"),
    tags: {},
  };
}
