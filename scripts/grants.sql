-- Who may do what with the ledger's tables and functions. `npm run migrate` runs it each time, as llm_cost_migrate, once
-- there are the roles of roles.sql. A table that is not named here is for nobody; test/db/roles.test.ts finds it.
--
-- The wall between projects: what llm_cost_project sees and changes is of the project that its transaction names
-- (src/db/wall.ts). For all others the tables are as without. A condition of equality with a value that is computed once
-- costs a plan nothing: it is one with the statement's own. Partitions have no policy, and no one may use them directly.
--
-- On Citus a policy may have no sub-select, and on the workers every policy is permissive, whatever it was made as (seen on
-- 13.2.2). So there the first policy leaves llm_cost_project out, and all workers compute the value themselves.
--
-- Each table in a transaction of its own: with two of them this could deadlock with those who use both.
DO $walls$
DECLARE
  walled record;
  distributed boolean := EXISTS (SELECT FROM pg_extension WHERE extname = 'citus');
  own text := 'current_setting(''ledger.project'')::uuid';
  everyone text := 'true';
  kind text := 'RESTRICTIVE';
BEGIN
  IF distributed THEN
    everyone := 'current_user <> ''llm_cost_project''';
    kind := 'PERMISSIVE';
  ELSE
    own := format('(SELECT %s)', own);
  END IF;
  PERFORM set_config('lock_timeout', '1s', false);
  FOR walled IN
    SELECT c.oid::regclass AS name, CASE c.relname
      WHEN 'projects' THEN 'id = %1$s'
      -- A price of the project that is none holds for all.
      WHEN 'custom_prices' THEN $$project_id IN (%1$s, '00000000-0000-0000-0000-000000000000')$$
      ELSE 'project_id = %1$s'
    END AS seen, CASE c.relname WHEN 'projects' THEN 'id = %1$s' ELSE 'project_id = %1$s' END AS written
    FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND c.relowner = 'llm_cost_migrate'::regrole
      AND (c.relname = 'projects' OR EXISTS (
        SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'project_id' AND NOT a.attisdropped))
      AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'everyone'
        AND (pg_get_expr(p.polqual, c.oid) LIKE '%llm_cost_project%') = distributed)
  LOOP
    FOR tries IN 1..20 LOOP
      BEGIN
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', walled.name);
        EXECUTE format('DROP POLICY IF EXISTS everyone ON %s', walled.name);
        EXECUTE format('DROP POLICY IF EXISTS own_project ON %s', walled.name);
        EXECUTE format('CREATE POLICY everyone ON %s USING (%s) WITH CHECK (%s)', walled.name, everyone, everyone);
        EXECUTE format('CREATE POLICY own_project ON %s AS %s TO llm_cost_project USING (', walled.name, kind)
          || format(walled.seen, own) || ') WITH CHECK (' || format(walled.written, own) || ')';
        EXIT;
      EXCEPTION WHEN lock_not_available THEN
        IF tries = 20 THEN RAISE; END IF;
      END;
      PERFORM pg_sleep(0.2);
    END LOOP;
    COMMIT;
  END LOOP;
  RESET lock_timeout;
END
$walls$;
--> statement-breakpoint
BEGIN;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM llm_cost_run, llm_cost_project, llm_cost_read;

-- The Worker for all projects: keys, writes, merges, cron.
GRANT SELECT, INSERT, UPDATE ON
  projects, api_keys, reprice_jobs, erasures
TO llm_cost_run;
GRANT SELECT, INSERT ON
  prices, custom_prices, crowded_labels, admin_log
TO llm_cost_run;
GRANT SELECT, INSERT, DELETE ON
  corrections
TO llm_cost_run;
GRANT SELECT, INSERT, UPDATE, DELETE ON
  traces, rollup, spans, responses, held_wrappers, dead_letters, days_to_repair, relabel_jobs, catalogue_versions,
  size_samples, page_sessions, reported_usage
TO llm_cost_run;
GRANT SELECT, UPDATE ON
  retention
TO llm_cost_run;
GRANT SELECT ON
  views, doubles
TO llm_cost_run;
GRANT SELECT, UPDATE ON
  plans
TO llm_cost_run;

-- The Worker for one project: what requests read, delete, restate and repair.
GRANT SELECT ON
  projects, traces, rollup, prices, custom_prices, spans, responses, held_wrappers, crowded_labels, reprice_jobs,
  dead_letters, days_to_repair, erasures, retention
TO llm_cost_project;
GRANT INSERT ON
  rollup, corrections, prices, custom_prices, responses, held_wrappers, reprice_jobs, admin_log
TO llm_cost_project;
GRANT SELECT, INSERT, UPDATE ON
  reported_usage
TO llm_cost_project;
GRANT UPDATE (epoch_move_due_at) ON projects TO llm_cost_project;
-- On rollup it is to lock rows.
GRANT UPDATE ON
  traces, rollup, responses, held_wrappers, reprice_jobs
TO llm_cost_project;
GRANT DELETE ON
  traces, responses, held_wrappers, dead_letters
TO llm_cost_project;
GRANT SELECT, INSERT, UPDATE, DELETE ON
  views
TO llm_cost_project;
GRANT SELECT, INSERT, DELETE ON
  plans
TO llm_cost_project;
GRANT SELECT, INSERT, UPDATE ON
  doubles
TO llm_cost_project;

-- Only on Citus (citus.sql): an INSERT finds its shard by it.
DO $homes$ BEGIN
  IF to_regclass('project_homes') IS NOT NULL THEN GRANT SELECT, INSERT ON project_homes TO llm_cost_run, llm_cost_project; END IF;
END $homes$;

-- Other tools: what the ledger knows, but neither keys nor what is under way.
GRANT SELECT ON
  projects, traces, rollup, prices, custom_prices, catalogue_versions, retention, reprice_jobs
TO llm_cost_read;

-- These run with the rights of their owner. A restored dump may give them to everyone again. All other functions have those of the caller, and are for everyone.
REVOKE EXECUTE ON FUNCTION
  create_trace_partitions(date, date), drop_trace_partition(timestamptz), foresee_statistics(regclass, timestamptz)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION create_trace_partitions(date, date), drop_trace_partition(timestamptz) TO llm_cost_run;
COMMIT;
