/**
 * The session files that recorded runs of agents left, imported beside what the same runs sent: in any order of arrival
 * each call counts once.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openAgentFile } from "../../scripts/import/agents/agent-files.ts";
import { toNative } from "../../scripts/import/agents/found-call.ts";
import { type Source, type SourceName, SOURCES } from "../../scripts/import/agents/sources.ts";
import { decodeNative } from "../../src/ingest/decode/native.ts";
import type { Decoded } from "../../src/ingest/decode/decoded.ts";
import { decodeLogsJson, decodeLogsProtobuf } from "../../src/ingest/decode/otlp/logs.ts";
import { readJsonSpans } from "../../src/ingest/decode/otlp/json.ts";
import { readProtobufSpans } from "../../src/ingest/decode/otlp/protobuf.ts";
import { decodeSpans } from "../../src/ingest/decode/otlp/traces.ts";
import { audit } from "../../src/rollup/audit.ts";
import { parseTracesQuery } from "../../src/traces/query.ts";
import { listTraces } from "../../src/traces/read.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { type Body, bodiesOf, FIRST_DAY, NOW, scenarios, type TrueCall, truthOf } from "../captures.ts";
import { priced } from "../calls.ts";
import { database, newProject } from "../ledger.ts";

const db = database();
const CAPTURES = join(import.meta.dirname, "../fixtures/captures");
const ADDED = { tags: {}, withRepository: false, withBranch: false, withPullRequest: false };

const withFiles = scenarios().filter((scenario) => existsSync(join(CAPTURES, scenario, "local")));

/** Calls that opencode makes for a title are in no file, and its last ones in no body. */
const ONLY_IN_NEITHER: Record<string, number[]> = { "opencode-1.18.33/anthropic-plain": [1] };

/** The span of its first call names no conversation in its own body, so nothing joins it to the log of that call. */
const WITHOUT_SPANS = new Set(["codex-0.171.0/tools"]);

const ORDERS: Record<string, (bodies: Decoded[], files: Decoded[]) => Decoded[]> = {
  "bodies first": (bodies, files) => [...bodies, ...files],
  "files first": (bodies, files) => [...files, ...bodies],
  "files twice": (bodies, files) => [...files, ...bodies, ...files],
  "interleaved, the last first": (bodies, files) => interleaved(bodies.toReversed(), files.toReversed()),
};

describe.each(Object.entries(ORDERS))("session files and bodies, %s", (_, order) => {
  it.concurrent.each(withFiles)("%s", async (scenario) => {
    const project = await newProject(db);
    const bodies = bodiesOf(scenario).filter(
      ({ path }) => path.endsWith("/v1/logs") || (path.endsWith("/v1/traces") && !WITHOUT_SPANS.has(scenario)),
    );
    for (const { calls, links, errors } of order(bodies.map(decode), await decodedFiles(scenario))) {
      expect(errors).toEqual([]);
      await writeBatch(db, project, calls.map(priced), { links: links ?? [] });
    }
    const counted = await countedCalls(project);
    const missing = ONLY_IN_NEITHER[scenario] ?? [];
    const truth = truthOf(scenario).billable.filter((call) => isTold(call) && !missing.includes(ordinalOf(call)));
    const names = scenario.startsWith("claude-code") ? [...COUNTS, ...PARTS] : COUNTS;
    const shown = (calls: readonly object[]): string[] => calls.map((call) => shownOf(call, names)).sort();
    expect(shown(counted)).toEqual(shown(truth));
    expect((await audit(db, project, FIRST_DAY, NOW)).mismatches).toEqual([]);
  });
});

/** An attempt that failed is in no file, so it is only told where a body tells it. */
function isTold(call: TrueCall): boolean {
  return !(call.error && call.not_transmitted.includes("call (no span of its own)"));
}

function ordinalOf(call: object): number {
  return (call as { call: number }).call;
}

const COUNTS = [
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "reasoning_tokens",
] as const;

/** It has a price of its own. opencode's files do not tell it. */
const PARTS = ["cache_write_1h_tokens"];

/** What of a call must be true to the last digit; a count of zero and one that is not stated are the same. */
function shownOf(call: object, names: readonly string[]): string {
  const fields = call as Readonly<Record<string, unknown>>;
  return [fields["session_id"], ...names.map((name) => fields[name] ?? 0)].join(" ");
}

async function countedCalls(project: string): Promise<Record<string, unknown>[]> {
  const query = parseTracesQuery(new URLSearchParams({ from: String(FIRST_DAY), limit: "1000" }), NOW);
  return (await listTraces(db, project, query)).traces as unknown as Record<string, unknown>[];
}

/** Whose files a scenario has: the emitter's name begins with it. */
function sourceOf(scenario: string): SourceName {
  return (Object.keys(SOURCES) as SourceName[]).find((name) => scenario.startsWith(name))!;
}

async function decodedFiles(scenario: string): Promise<Decoded[]> {
  const source: Source = SOURCES[sourceOf(scenario)];
  const folder = join(CAPTURES, scenario, "local");
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => source.has(path));
  const decoded: Decoded[] = [];
  for (const path of paths.sort()) {
    const file = openAgentFile(source, join(folder, path), () => {});
    for await (const { calls } of file.advance(true)) {
      if (calls.length > 0)
        decoded.push(
          decodeNative(
            calls.map((call) => toNative(call, ADDED)),
            NOW,
          ),
        );
    }
  }
  expect(decoded.length).toBeGreaterThan(scenario.endsWith("error-529") ? -1 : 0);
  return decoded;
}

function decode({ path, json, bytes }: Body): Decoded {
  const parsed = (): unknown => JSON.parse(new TextDecoder().decode(bytes));
  if (path.endsWith("/v1/logs")) return json ? decodeLogsJson(parsed(), NOW) : decodeLogsProtobuf(bytes, NOW);
  return decodeSpans(json ? readJsonSpans(parsed(), Infinity) : readProtobufSpans(bytes, Infinity), NOW);
}

function interleaved<T>(first: readonly T[], second: readonly T[]): T[] {
  const longest = Math.max(first.length, second.length);
  return Array.from({ length: longest }, (_, i) => [...first.slice(i, i + 1), ...second.slice(i, i + 1)]).flat();
}
