/**
 * Routines: small and frequent statements as functions of the database. To parse and plan the write of one call costs
 * Postgres five times as much as running it. Over HTTP, or over a pool that shares connections between transactions,
 * nothing can be prepared. A function keeps the plan of its statement as long as its connection lives.
 *
 * A function's name contains a hash of its content, so a caller never gets the function of another version. Migrating
 * makes the functions of this version. If one is missing, `connect` sends the statement itself.
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

/** A statement that does the same if nothing that it inserts is stored. Otherwise it fails with `unique_violation`. */
export interface Optimistic {
  text: string;
  /** The condition under which it is tried first. */
  where: string;
}

/**
 * Makes a routine of a statement.
 *
 * @param parameters the number of parameters. The statement must cast each, because a function takes them as texts.
 * @param returns the columns of its rows, as in `RETURNS TABLE`.
 * @param first what is tried before the statement.
 */
export function asRoutine(
  { text }: Statement,
  label: string,
  parameters: number,
  returns: string,
  first?: Optimistic,
): Statement {
  if (parameters > MOST_PARAMETERS) throw new Error(`${label} takes ${parameters} parameters`);
  const takes = Array<string>(parameters).fill("text").join(", ");
  const rest = `(${takes}) returns table (${returns}) language plpgsql ${PLANNED} as $routine$
#variable_conflict use_column
begin${first === undefined ? "" : trying(first)}
  return query ${text};
end $routine$`;
  const name = `${PREFIX}${label}_${sha256Hex(rest).slice(0, 12)}`;
  const given = Array.from({ length: parameters }, (_, i) => `$${i + 1}`).join(", ");
  return {
    text,
    routine: { name, call: `select * from ${name}(${given})`, definition: `create function ${name}${rest}` },
  };
}

/**
 * If it fails, what it did is undone, and the routine goes on. Nothing is tried on Citus, whose routines have another
 * mode: there it was not seen that a part of a transaction is undone.
 */
const trying = ({ text, where }: Optimistic): string => `
  if current_setting('plan_cache_mode') = 'force_generic_plan' then
    if ${where} then
      begin
        return query ${text};
        return;
      exception when unique_violation then
      end;
    end if;
  end if;`;

/** Citus must see the project of a call, before it knows the shard. So there a routine keeps no plan. */
const planned = (name: string): string =>
  `if exists (select 1 from pg_extension where extname = 'citus') then alter routine ${name} set plan_cache_mode = force_custom_plan; end if;`;

/** The SQL that makes missing routines and drops all others. Older versions work without theirs, but slower. */
export function installRoutines(statements: readonly Statement[]): string {
  const routines = statements.flatMap(({ routine }) => routine ?? []);
  const made = routines.map(
    ({ name, definition }) => `if to_regproc('${name}') is null then ${definition}; ${planned(name)} end if;`,
  );
  return `
do $install$
declare
  old regprocedure;
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
