/**
 * Believable traffic as a pure function: the same arguments give the same calls, in the order of their time, in the
 * memory of one call. Among weekdays, nights and a little growth it holds three stories to find: `code-review`
 * changes its model after 55% of the period, one user's `coding-agent` runs away for some hours after 70%, and
 * Anthropic has an outage of two hours after 40%.
 */
import { HOUR_MS } from "../../src/time.ts";
import { APPLICATIONS, type Application, type Model } from "./applications.ts";
import { makeCall, type NativeTrace } from "./calls.ts";
import { seeded, type Random } from "./random.ts";

export type { NativeTrace } from "./calls.ts";

export interface TrafficOptions {
  /** The period ends before `endMs` and begins this many days earlier. */
  days: number;
  /** How many calls there are in it, exactly. */
  traces: number;
  seed: number | string;
  endMs: number;
}

const DAY_HOURS = 24;
/** Growth over the whole period. */
const GROWTH = 0.25;
const RUNAWAY = { application: "coding-agent", at: 0.7, startHour: 9, hours: 9, factor: 9 };
const OUTAGE = { provider: "anthropic", at: 0.4, startHour: 13, hours: 2 };

interface Span {
  fromMs: number;
  toMs: number;
}

export function* traffic({ days, traces, seed, endMs }: TrafficOptions): Generator<NativeTrace> {
  const startMs = endMs - days * DAY_HOURS * HOUR_MS;
  const name = `${seed}-${days}d-${traces}-${endMs.toString(36)}`;
  const random = seeded(name);
  const runawaySpan = spanOf(RUNAWAY, days, startMs);
  const outageSpan = spanOf(OUTAGE, days, startMs);
  const hours = shapeHours(random, days, startMs, runawaySpan);
  const total = hours.reduce((sum, { weight }) => sum + weight, 0);

  let before = 0;
  let made = 0;
  for (const { startMs: hourMs, at, weight, byApplication } of hours) {
    before += weight;
    // Rounding the running sum, not each hour, makes the count exact.
    const until = Math.round((traces * before) / total);
    const calls = until - made;
    for (let i = 0; i < calls; i++) {
      const startedAtMs = Math.floor(hourMs + ((i + random.uniform()) / calls) * HOUR_MS);
      const application = APPLICATIONS[random.weighted(byApplication)]!;
      const runaway =
        application.name === RUNAWAY.application &&
        within(runawaySpan, startedAtMs) &&
        random.chance(1 - 1 / RUNAWAY.factor);
      const model = runaway ? application.uses[0]!.model : chooseModel(random, application, at);
      const outage = model.provider === OUTAGE.provider && within(outageSpan, startedAtMs);
      yield makeCall(random, application, model, { id: `demo-${name}-${made + i}`, startedAtMs, runaway, outage });
    }
    made = until;
  }
}

interface Hour {
  startMs: number;
  /** The share of the period before this hour. */
  at: number;
  weight: number;
  byApplication: number[];
}

function shapeHours(random: Random, days: number, startMs: number, runaway: Span): Hour[] {
  const hours: Hour[] = [];
  for (let day = 0; day < days; day++) {
    const noise = APPLICATIONS.map(() => random.logNormal(1, 0.08));
    for (let hour = 0; hour < DAY_HOURS; hour++) {
      const hourMs = startMs + (day * DAY_HOURS + hour) * HOUR_MS;
      const at = (day + hour / DAY_HOURS) / days;
      const byApplication = APPLICATIONS.map((application, i) => {
        const more = application.name === RUNAWAY.application && within(runaway, hourMs) ? RUNAWAY.factor : 1;
        return application.share * rhythm(application, hourMs) * (1 + GROWTH * at) * noise[i]! * more;
      });
      hours.push({ startMs: hourMs, at, weight: byApplication.reduce((sum, w) => sum + w, 0), byApplication });
    }
  }
  return hours;
}

/** 1 on average over the hours of a weekday. */
function rhythm(application: Application, ms: number): number {
  const weekend = isWeekend(ms) ? application.weekend : 1;
  return (weekend * bell(application, new Date(ms).getUTCHours())) / dayMean(application);
}

/** A bell around the peak, the short way round the clock, above a floor. */
function bell({ day }: Application, hour: number): number {
  const apart = Math.abs(hour - day.peak);
  const distance = Math.min(apart, DAY_HOURS - apart);
  return day.floor + (1 - day.floor) * Math.exp(-0.5 * (distance / day.width) ** 2);
}

function dayMean(application: Application): number {
  let sum = 0;
  for (let hour = 0; hour < DAY_HOURS; hour++) sum += bell(application, hour);
  return sum / DAY_HOURS;
}

function chooseModel(random: Random, { uses }: Application, at: number): Model {
  const weights = uses.map(({ weight, from = 0, until = 1 }) => (at >= from && at < until ? weight : 0));
  return uses[random.weighted(weights)]!.model;
}

/** Some hours of the day that holds the share `at` of the period, or of the last weekday before it. */
function spanOf(event: { at: number; startHour: number; hours: number }, days: number, startMs: number): Span {
  const dayMs = (day: number): number => startMs + day * DAY_HOURS * HOUR_MS;
  let day = Math.floor(event.at * days);
  while (day > 0 && isWeekend(dayMs(day))) day--;
  const fromMs = dayMs(day) + event.startHour * HOUR_MS;
  return { fromMs, toMs: fromMs + event.hours * HOUR_MS };
}

function within({ fromMs, toMs }: Span, ms: number): boolean {
  return ms >= fromMs && ms < toMs;
}

function isWeekend(ms: number): boolean {
  return new Date(ms).getUTCDay() % 6 === 0;
}
