/**
 * Statements as functions of the database, for what is small and frequent: to parse and plan the write of one call costs
 * Postgres five times what it costs to run it, and over HTTP, or a pool that shares connections between transactions,
 * nothing can be prepared. A function keeps the plan of its statement for as long as its connection lives.
 *
 * A function's name tells its content, so whoever calls it gets what was compiled, whatever version made the database's.
 * Migrating makes those of this version; where one is missing, `connect` sends the statement itself.
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

/** Of all that were ever made, and of nothing else in the database: what is not of this version is dropped. */
export const PREFIX = "llm_cost_routine_";
/** As Postgres has it. */
const MOST_PARAMETERS = 100;

/**
 * The same statement as a routine.
 *
 * @param parameters how many it takes; each must be cast in it, for a function takes them as texts.
 * @param returns the columns of its rows, as in `RETURNS TABLE`.
 */
export function asRoutine({ text }: Statement, label: string, parameters: number, returns: string): Statement {
  if (parameters > MOST_PARAMETERS) throw new Error(`${label} takes ${parameters} parameters`);
  const takes = Array<string>(parameters).fill("text").join(", ");
  const rest = `(${takes}) returns table (${returns}) language plpgsql set plan_cache_mode = force_generic_plan as $routine$
#variable_conflict use_column
begin
  return query ${text};
end $routine$`;
  const name = `${PREFIX}${label}_${sha256Hex(rest).slice(0, 12)}`;
  const given = Array.from({ length: parameters }, (_, i) => `$${i + 1}`).join(", ");
  return {
    text,
    routine: { name, call: `select * from ${name}(${given})`, definition: `create function ${name}${rest}` },
  };
}

/** Makes the routines that are missing, and drops all others: older versions do without, slower. */
export function installRoutines(statements: readonly Statement[]): string {
  const routines = statements.flatMap(({ routine }) => routine ?? []);
  const made = routines.map(({ name, definition }) => `if to_regproc('${name}') is null then ${definition}; end if;`);
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
