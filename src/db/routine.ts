/**
 * Routines: small and frequent statements as functions of the database. To parse and plan the write of one call costs
 * Postgres five times as much as running it. Over HTTP, or over a pool that shares connections between transactions,
 * nothing can be prepared. A function keeps the plan of its statement as long as its connection lives.
 *
 * A function's name contains a hash of its content, so a caller never gets the function of another version. Migrating
 * makes the functions of this version. If one is missing, `connect` sends the statement itself.
 *
 * A kept plan is made before any id is known. So a look-up by id is planned for every month there is. That takes each
 * new connection some 70 ms, and each run locks all months. Therefore a routine looks up recent calls by one statement,
 * and older ones by another. Recent are the months from the one before the routine was made. Migrating makes it anew only
 * if its content has changed, so these become more with time.
 *
 * A plan that was made while a table was empty outlives that. So it may not read tables from end to end, which seems to
 * cost nothing then. Where there is no index, as for the one row of `retention`, that now seems to cost so much that
 * Postgres would compile the plan.
 */
import { sha256Hex } from "../digest.ts";
import type { Statement } from "./client.ts";

export interface Routine {
  name: string;
  /** The statement that calls it. */
  call: string;
  /** The statement that makes it. */
  definition: string;
}

/** The prefix of every routine's name, and of nothing else. Routines of other versions are found and dropped by it. */
export const PREFIX = "llm_cost_routine_";
/** The limit of Postgres. */
const MOST_PARAMETERS = 100;

const PLANNED = "set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off";

/** An id that is older than all calls. When a routine is made, the first id of the month before takes its place. */
const RECENT = "01000000-0000-7000-8000-000000000000";
/** A condition on an id. A statement with this condition is planned for recent months alone. */
export const isRecent = (id: string): string => `${id} >= '${RECENT}'::uuid`;

/**
 * Makes a routine of a statement.
 *
 * @param parameters the number of parameters. The statement must cast each, because a function takes them as texts.
 * @param returns the columns of its rows, as in `RETURNS TABLE`.
 * @param first PL/pgSQL that runs before the statement, and may return instead.
 */
export function asRoutine(
  { text }: Statement,
  label: string,
  parameters: number,
  returns: string,
  first = "",
): Statement {
  if (parameters > MOST_PARAMETERS) throw new Error(`${label} takes ${parameters} parameters`);
  const takes = Array<string>(parameters).fill("text").join(", ");
  const rest = `(${takes}) returns table (${returns}) language plpgsql ${PLANNED} as $routine$
#variable_conflict use_column
begin${first}
  return query ${text};
end $routine$`;
  const name = `${PREFIX}${label}_${sha256Hex(rest).slice(0, 12)}`;
  const given = Array.from({ length: parameters }, (_, i) => `$${i + 1}`).join(", ");
  return {
    text,
    routine: { name, call: `select * from ${name}(${given})`, definition: `create function ${name}${rest}` },
  };
}

/** Citus must see the project of a call, before it knows the shard. So there a routine keeps no plan. */
const planned = (name: string): string =>
  `if exists (select 1 from pg_extension where extname = 'citus') then alter routine ${name} set plan_cache_mode = force_custom_plan; end if;`;

/** The SQL that makes missing routines and drops all others. Older versions work without theirs, but slower. */
export function installRoutines(statements: readonly Statement[]): string {
  const routines = statements.flatMap(({ routine }) => routine ?? []);
  const made = routines.map(
    ({ name, definition }) =>
      `if to_regproc('${name}') is null then
    execute replace($definition$${definition}$definition$, '${RECENT}', recent::text); ${planned(name)}
  end if;`,
  );
  return `
do $install$
declare
  old regprocedure;
  recent uuid := trace_id_at(date_trunc('month', now()) - interval '1 month');
begin
  for old in
    select oid::regprocedure from pg_proc
    where starts_with(proname, '${PREFIX}') and pronamespace = current_schema()::regnamespace
      and proname <> all (array['${routines.map(({ name }) => name).join("', '")}'])
  loop
    execute format('drop function %s', old);
  end loop;
  ${made.join("\n  ")}
end $install$`;
}
