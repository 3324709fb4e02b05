/** The cross-check: what agents say that they used, against what the ledger has of the same agents. */
import type { Database } from "../db/client.ts";
import { picoToUsd } from "../money.ts";
import { AGENT_NAMES } from "./agents.ts";
import { notesOf } from "./notes.ts";
import { type Measure, MEASURES } from "./point.ts";
import type { CoverageQuery } from "./query.ts";
import { type Counted, readCounted, readSaid, type Said } from "./read.ts";
import type { Coverage, CoverageTotal } from "./shown.ts";
import { readSilent } from "./silent.ts";

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
    rows: days.flatMap((day) =>
      sides
        .map((side) => ({ ...side, ...ofDay(side, day) }))
        .filter(({ said, counted }) => said.length + counted.length > 0)
        .map((side) => ({ day, ...compare(side) })),
    ),
    totals: sides.map(compare),
    silent: await readSilent(db, projectId, query, sides),
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

function compare(sides: Sides): CoverageTotal {
  const { emitter, application, said, counted } = sides;
  const [claimed, ledger] = [amountsOf(said), amountsOf(counted)];
  const sessions = new Set(said.flatMap((one) => one.sessions));
  const withCalls = new Set(counted.flatMap((one) => one.sessions));
  const named = (count: number) => (sessions.size === 0 ? null : count);
  const reported = counted.flatMap(({ reportedPico }) => reportedPico ?? []);
  const shown = {
    emitter,
    application,
    claimed: {
      ...tokensOf(claimed),
      cost_usd: usdOf(claimed.cost),
      sessions: named(sessions.size),
      last_at: latest(said),
      flagged_points: said.reduce((sum, { flagged }) => sum + flagged, 0),
      left_out_points: said.reduce((sum, { leftOut }) => sum + leftOut, 0),
    },
    ledger: {
      requests: counted.reduce((sum, { requests }) => sum + requests, 0),
      ...tokensOf(ledger),
      cost_usd: usdOf(ledger.cost),
      reported_cost_usd: reported.length === 0 ? null : picoToUsd(reported.reduce((sum, pico) => sum + pico, 0n)),
      last_at: latest(counted),
    },
    missing: {
      ...tokensOf(lessOf(claimed, ledger)),
      cost_usd: usdOf(lessOf(claimed, ledger).cost),
      sessions: named([...sessions].filter((one) => !withCalls.has(one)).length),
    },
    share_percent: shareOf(claimed.total, ledger.total),
  };
  return { ...shown, notes: notesOf(shown, sides) };
}

/** Null is what none states: that is not 0. */
type Amounts = Record<Measure | "total", bigint | null>;

function amountsOf(of: readonly Pick<Said, "amounts">[]): Amounts {
  const sum = (measure: Measure): bigint | null => {
    const stated = of.flatMap(({ amounts }) => amounts[measure] ?? []);
    return stated.length === 0 ? null : stated.reduce((sum, amount) => sum + amount, 0n);
  };
  const amounts = Object.fromEntries(MEASURES.map((measure) => [measure, sum(measure)])) as Record<
    Measure,
    bigint | null
  >;
  const { input, output } = amounts;
  return { ...amounts, total: input === null && output === null ? null : (input ?? 0n) + (output ?? 0n) };
}

function lessOf(claimed: Amounts, ledger: Amounts): Amounts {
  const names = Object.keys(claimed) as (keyof Amounts)[];
  return Object.fromEntries(
    names.map((name) => [name, claimed[name] === null ? null : claimed[name] - (ledger[name] ?? 0n)]),
  ) as Amounts;
}

function tokensOf(amounts: Amounts) {
  const number = (amount: bigint | null): number | null => (amount === null ? null : Number(amount));
  return {
    input_tokens: number(amounts.input),
    output_tokens: number(amounts.output),
    total_tokens: number(amounts.total),
    cache_read_tokens: number(amounts.cache_read),
    cache_write_tokens: number(amounts.cache_write),
    reasoning_tokens: number(amounts.reasoning),
  };
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
