/** The cross-check: what agents say that they used, against what the ledger has of the same agents. */
import type { Database } from "../db/client.ts";
import { picoToUsd } from "../money.ts";
import { AGENT_NAMES } from "./agents.ts";
import { notesOf } from "./notes.ts";
import type { Measure } from "./point.ts";
import type { CoverageQuery } from "./query.ts";
import { type Counted, readCounted, readSaid, type Said } from "./read.ts";
import type { Coverage, TotalCoverage } from "./shown.ts";

/** Both sides of one emitter, of one day or of all. */
export interface Sides {
  emitter: string;
  application: string | null;
  said: readonly Said[];
  counted: readonly Counted[];
}

const AGENTS: ReadonlySet<string> = new Set(AGENT_NAMES);

/** @throws Expired if calls of the range are no longer kept. */
export async function readCoverage(db: Database, projectId: string, query: CoverageQuery): Promise<Coverage> {
  const said = await readSaid(db, projectId, query);
  const programs = said.filter(({ emitter }) => !AGENTS.has(emitter));
  const counted = await readCounted(db, projectId, query, {
    applications: [...new Set(programs.map(({ application }) => application))],
    sessions: [...new Set(said.flatMap(({ sessions }) => sessions))],
  });
  const sides = sidesOf(said, counted);
  const days = [...new Set([...said, ...counted].map(({ day }) => day))].sort().reverse();
  return {
    days: days.flatMap((day) =>
      sides
        .map((side) => ({ ...side, ...ofDay(side, day) }))
        .filter(({ said, counted }) => said.length + counted.length > 0)
        .map((side) => ({ day, ...compare(side) })),
    ),
    totals: sides.map(compare),
  };
}

function ofDay({ said, counted }: Sides, day: string): Pick<Sides, "said" | "counted"> {
  return { said: said.filter((one) => one.day === day), counted: counted.filter((one) => one.day === day) };
}

/** By emitter; what is no agent's, by application too. A program with both kinds of counters is compared by each. */
function sidesOf(said: readonly Said[], counted: readonly Counted[]): Sides[] {
  const sides = new Map<string, Sides>();
  const add = (emitter: string, application: string | null): void => {
    const key = JSON.stringify([emitter, application]);
    if (sides.has(key)) return;
    const isOwn = (one: Said) => one.emitter === emitter && (application === null || one.application === application);
    const isOf = ({ agent, ...one }: Counted) =>
      application === null ? agent === emitter : agent === null && one.application === application;
    sides.set(key, { emitter, application, said: said.filter(isOwn), counted: counted.filter(isOf) });
  };
  for (const { emitter, application } of said) add(emitter, AGENTS.has(emitter) ? null : application);
  for (const { agent } of counted) if (agent !== null) add(agent, null);
  return [...sides.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

const keyOf = ({ emitter, application }: Sides): string => `${emitter} ${application ?? ""}`;

function compare(sides: Sides): TotalCoverage {
  const { emitter, application, said, counted } = sides;
  const tokens = (measure: Measure) => {
    const [agent, ledger] = [sum(said, measure), sum(counted, measure)];
    return {
      agent: agent === null ? null : Number(agent),
      ledger: ledger === null ? null : Number(ledger),
      share_percent: shareOf(agent, ledger),
    };
  };
  const cost = [sum(said, "cost"), sum(counted, "cost")] as const;
  const reported = counted.flatMap(({ reportedPico }) => reportedPico ?? []);
  const sessions = new Set(said.flatMap((one) => one.sessions));
  const withCalls = new Set(counted.flatMap((one) => one.sessions));
  const shown = {
    emitter,
    application,
    requests: counted.reduce((sum, { requests }) => sum + requests, 0),
    share_percent: shareOf(total(said), total(counted)),
    input_tokens: tokens("input"),
    output_tokens: tokens("output"),
    cache_read_tokens: tokens("cache_read"),
    cache_write_tokens: tokens("cache_write"),
    reasoning_tokens: tokens("reasoning"),
    cost_usd: {
      agent: usdOf(cost[0]),
      ledger: usdOf(cost[1]),
      reported: reported.length === 0 ? null : picoToUsd(reported.reduce((sum, pico) => sum + pico, 0n)),
      share_percent: shareOf(...cost),
    },
    sessions: sessions.size === 0 ? null : sessions.size,
    sessions_without_calls: sessions.size === 0 ? null : [...sessions].filter((one) => !withCalls.has(one)).length,
    last_metric_at: latest(said),
    last_call_at: latest(counted),
    flagged_points: said.reduce((sum, { flagged }) => sum + flagged, 0),
    left_out_points: said.reduce((sum, { leftOut }) => sum + leftOut, 0),
  };
  return { ...shown, notes: notesOf(shown, sides) };
}

type Amounts = Pick<Said, "amounts">;

/** Null if none states it: that is not 0. */
function sum(of: readonly Amounts[], measure: Measure): bigint | null {
  const stated = of.flatMap(({ amounts }) => amounts[measure] ?? []);
  return stated.length === 0 ? null : stated.reduce((sum, amount) => sum + amount, 0n);
}

function total(of: readonly Amounts[]): bigint | null {
  const [input, output] = [sum(of, "input"), sum(of, "output")];
  return input === null && output === null ? null : (input ?? 0n) + (output ?? 0n);
}

/** In hundredths of a percent, then cut. What is not equal is never 100. */
export function shareOf(agent: bigint | null, ledger: bigint | null): number | null {
  if (agent === null || agent <= 0n) return null;
  const hundredths = ((ledger ?? 0n) * 10_000n) / agent;
  const isMore = (ledger ?? 0n) > agent && hundredths === 10_000n;
  return Number(isMore ? 10_001n : hundredths) / 100;
}

function usdOf(pico: bigint | null): string | null {
  return pico === null ? null : picoToUsd(pico);
}

function latest(of: readonly { lastAtMs: number }[]): string | null {
  return of.length === 0 ? null : new Date(Math.max(...of.map(({ lastAtMs }) => lastAtMs))).toISOString();
}
