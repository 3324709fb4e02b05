/**
 * Stores what agents say that they used. Any point may come again, late, and in any order, and counts once:
 *
 * - Of a cumulative series a day keeps the highest value. What it used on a day is that less the highest of its day
 *   before, which `read.ts` finds. A counter that begins anew has another start, so it is another series.
 * - Differences are kept one by one with a digest of their series, times and value. Those of a session, or else of an
 *   hour, share a row.
 */
import { sql } from "drizzle-orm";
import { plainArray, textArray } from "../db/array-literal.ts";
import { compileNamed, type Database } from "../db/client.ts";
import { param, project } from "../db/sql.ts";
import { digestUuid, sha256Hex } from "../digest.ts";
import { DAY_MS, HOUR_MS } from "../time.ts";
import type { Point } from "./point.ts";

/** The rows of a project and day. What has no room is counted in one row of its emitter, `OTHER`. */
export const MAX_SERIES = 5_000;
/** The differences of a row. A body has no more than that. */
const MAX_POINTS = 5_000;
export const OTHER = "(other)";
const NS_PER_MS = 1_000_000n;

const STORE = compileNamed(sql`
with sent as (
  select s.*, exists (
    select 1 from reported_usage r where r.project_id = ${project} and r.series = s.series and r.day = s.day
  ) as is_known
  from unnest(
    ${param("series")}::uuid[], ${param("day")}::date[], ${param("emitter")}::text[], ${param("application")}::text[],
    ${param("measures")}::text[], ${param("runsSince")}::timestamptz[], ${param("session")}::text[],
    ${param("instance")}::text[], ${param("firstAt")}::timestamptz[], ${param("lastAt")}::timestamptz[],
    ${param("points")}::text[], ${param("amounts")}::text[], ${param("wentBack")}::boolean[]
  ) as s (
    series, day, emitter, application, measures, runs_since, session, instance, first_at, last_at, points, amounts,
    went_back
  )
),
placed as (
  select s.*, s.is_known or coalesce(n.series, 0) + row_number() over (partition by s.day, s.is_known order by s.series)
    <= ${MAX_SERIES} as fits
  from sent s
  left join (
    select r.day, count(*) as series from reported_usage r
    where r.project_id = ${project} and r.day = any(${param("day")}::date[]) group by r.day
  ) n on n.day = s.day
)
insert into reported_usage as r (
  project_id, series, day, emitter, application, measures, runs_since, session, instance, first_at, last_at, points,
  amounts, went_back, left_out
)
select ${project}, p.series, p.day, p.emitter, p.application, p.measures, p.runs_since, md5(p.session)::uuid,
  md5(p.instance)::uuid, p.first_at, p.last_at, p.points::bigint[], p.amounts::bigint[], p.went_back, 0
from placed p where p.fits
union all
select ${project}, md5(${OTHER} || p.emitter)::uuid, p.day, p.emitter, '', ${OTHER}, null, null, null, min(p.first_at),
  max(p.last_at), '{}', '{}', false, sum(cardinality(p.amounts::bigint[]))
from placed p where not p.fits group by p.day, p.emitter
order by 2, 3
on conflict (project_id, series, day) do update set
first_at = least(r.first_at, excluded.first_at),
last_at = greatest(r.last_at, excluded.last_at),
went_back = r.went_back or excluded.went_back or r.runs_since is not null and (
  excluded.last_at > r.last_at and excluded.amounts[1] < r.amounts[1]
  or excluded.last_at < r.last_at and excluded.amounts[1] > r.amounts[1]
),
(points, amounts, left_out) = (
  with fresh as (
    select p.point, p.amount, row_number() over () + cardinality(r.points) as place
    from unnest(excluded.points, excluded.amounts) as p (point, amount)
    where r.runs_since is null and p.point <> all(r.points)
  )
  select r.points || coalesce(array_agg(f.point order by f.place) filter (where f.place <= ${MAX_POINTS}), '{}'),
    case when r.runs_since is null
      then r.amounts || coalesce(array_agg(f.amount order by f.place) filter (where f.place <= ${MAX_POINTS}), '{}')
      else array[greatest(r.amounts[1], excluded.amounts[1])]
    end,
    r.left_out + excluded.left_out + count(*) filter (where f.place > ${MAX_POINTS})
  from fresh f
)
where excluded.first_at < r.first_at or excluded.last_at > r.last_at or excluded.left_out > 0
  or (excluded.went_back and not r.went_back)
  or not excluded.points <@ r.points
  or (r.runs_since is not null and excluded.amounts[1] > r.amounts[1])`);

/** The points of one row, which one statement adds. */
interface SeriesDay {
  series: string;
  day: string;
  first: Point;
  firstNs: bigint;
  lastNs: bigint;
  /** By digest. A cumulative series has one, with the highest value. */
  amounts: Map<bigint, bigint>;
  wentBack: boolean;
}

/** When this returns, the points are durable. Each counts once, however often it is stored. */
export async function storePoints(db: Database, projectId: string, points: readonly Point[]): Promise<void> {
  const days = seriesDaysOf(points);
  if (days.length === 0) return;
  const text = (of: (day: SeriesDay) => string | null): string | null => textArray(days.map(of));
  const { statement, values } = STORE({
    project: projectId,
    series: plainArray(days.map(({ series }) => series)),
    day: plainArray(days.map(({ day }) => day)),
    emitter: text(({ first }) => first.emitter),
    application: text(({ first }) => first.application),
    measures: text(({ first }) => first.measures.join("+")),
    runsSince: text(({ first }) => (first.cumulative ? instantOf(first.startNs) : null)),
    session: text(({ first }) => first.session),
    instance: text(({ first }) => first.instance),
    firstAt: text(({ firstNs }) => instantOf(firstNs)),
    lastAt: text(({ lastNs }) => instantOf(lastNs)),
    points: text(({ first, amounts }) => (first.cumulative ? "{}" : `{${[...amounts.keys()].join()}}`)),
    amounts: text(({ amounts }) => `{${[...amounts.values()].join()}}`),
    wentBack: plainArray(days.map(({ wentBack }) => wentBack)),
  });
  await db.run(statement, values);
}

function seriesDaysOf(points: readonly Point[]): SeriesDay[] {
  const days = new Map<string, SeriesDay>();
  const inOrder = [...points].sort((a, b) => (a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : 0));
  for (const point of inOrder) {
    const series = seriesOf(point);
    const day = instantOf(point.timeNs).slice(0, 10);
    const key = `${series} ${day}`;
    let found = days.get(key);
    if (found === undefined) {
      found = {
        series,
        day,
        first: point,
        firstNs: point.timeNs,
        lastNs: point.timeNs,
        amounts: new Map(),
        wentBack: false,
      };
      days.set(key, found);
    }
    found.lastNs = point.timeNs;
    if (point.cumulative) addValue(found, point.amount);
    else if (point.amount !== 0n) found.amounts.set(digestOf(point), point.amount);
  }
  return [...days.values()];
}

function addValue(day: SeriesDay, amount: bigint): void {
  const highest = day.amounts.get(0n) ?? 0n;
  if (amount < highest) day.wentBack = true;
  day.amounts.set(0n, amount > highest ? amount : highest);
}

function seriesOf({ emitter, application, measures, cumulative, startNs, timeNs, ...point }: Point): string {
  const own = cumulative
    ? [point.series, String(startNs)]
    : [
        point.session,
        point.instance,
        point.session === null ? String(Number(timeNs / NS_PER_MS / BigInt(HOUR_MS))) : "",
      ];
  return digestUuid(JSON.stringify([emitter, application, measures, cumulative, ...own]));
}

/** Two that have the same times and value of one series are one, sent twice. */
function digestOf({ series, startNs, timeNs, amount }: Point): bigint {
  return BigInt.asIntN(64, BigInt(`0x${sha256Hex(`${series} ${startNs} ${timeNs} ${amount}`).slice(0, 16)}`));
}

function instantOf(ns: bigint): string {
  const ms = Number(ns / NS_PER_MS);
  return new Date(Math.min(ms, LATEST_MS)).toISOString();
}

/** A start may be any number. */
const LATEST_MS = Date.UTC(9_999, 0) - DAY_MS;
