-- Spreads a migrated database over the nodes of a Citus cluster by project:
--
--   psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -f scripts/citus.sql
--
-- What is placed already stays as it is. So run it again after each migration, and after a run that was cut off. It says
-- what it did with each table. It needs the extension on each node, and the nodes, the coordinator too:
--
--   CREATE EXTENSION citus;                                    on each node, in a database of the same name
--   SELECT citus_set_coordinator_host('…', 5432);              on the coordinator, by the name that workers reach it by
--   SELECT citus_add_node('…', 5432);                          there, for each worker
--
-- How statements go: each that runs for one project is restricted to it at every distributed table, in a form that
-- Citus' planner can follow, and goes to the project's shard. Of a WITH that has an INSERT only the parts go there
-- (citusdata/citus#3654, #3948): the write, the merge, settling, deletion, repricing, relabelling and repairing. The parts
-- run one after another, and rows between them pass through the coordinator: slower, still one transaction. What runs for
-- all projects, and may do so on one node alone, runs for the projects of one shard after another (src/db/shards.ts).
-- test/db/citus-statements.test.ts holds statements to these rules.
--
-- The wall between projects (src/db/wall.ts) holds on workers, too. Its policies are others here (scripts/grants.sql),
-- so migrate again with --roles once there is the extension. Nodes must be able to log in to each other as the roles.
--
-- To move shards under traffic: citus_move_shard_placement(…) or citus_rebalance_start(…), with
-- shard_transfer_mode := 'force_logical', because rollup has no primary key. Meanwhile a shard that is moved refuses to be
-- merged. The others are merged, and the run of cron fails in the end.
--
-- Advisory locks are of the node that the client is connected to. So clients connect to the coordinator.
SET statement_timeout = 0;
-- What is made here for this session alone stays on the coordinator.
SET citus.enable_ddl_propagation = off;

DO $needs$
BEGIN
  IF to_regclass('public.traces') IS NULL THEN
    RAISE EXCEPTION 'This database is not migrated.' USING HINT = 'DATABASE_URL=… npm run migrate';
  END IF;
  IF NOT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'citus') THEN
    RAISE EXCEPTION 'This database lacks the extension citus.' USING HINT = 'On each node: CREATE EXTENSION citus';
  END IF;
  IF EXISTS (SELECT 1 FROM pg_policy WHERE polname = 'everyone' AND pg_get_expr(polqual, polrelid) NOT LIKE '%llm_cost_project%') THEN
    RAISE EXCEPTION 'The wall between projects is that of a database without the extension citus.'
      USING HINT = 'DATABASE_URL=… npm run migrate -- --roles';
  END IF;
  IF NOT EXISTS (SELECT 1 FROM pg_dist_node WHERE groupid = 0) THEN
    RAISE EXCEPTION 'The cluster does not know its coordinator.'
      USING HINT = 'On the coordinator: SELECT citus_set_coordinator_host(''its name'', its port)';
  END IF;
  IF (SELECT groupid FROM pg_dist_local_group) <> 0 THEN
    RAISE EXCEPTION 'This is a worker.' USING HINT = 'Connect to the coordinator.';
  END IF;
  IF NOT EXISTS (SELECT 1 FROM pg_dist_node WHERE shouldhaveshards AND isactive AND noderole = 'primary') THEN
    RAISE EXCEPTION 'The cluster has no node for shards.' USING HINT = 'For each worker: SELECT citus_add_node(''its name'', its port)';
  END IF;
END
$needs$;

-- Each says what it did. A table or function that has its place already is left alone.
CREATE OR REPLACE FUNCTION pg_temp.on_each_node(function regprocedure) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM pg_dist_object WHERE classid = 'pg_proc'::regclass AND objid = function) THEN
    RETURN format('%s: on each node already', function);
  END IF;
  PERFORM create_distributed_function(function);
  RETURN format('%s: now on each node', function);
END
$$;
CREATE OR REPLACE FUNCTION pg_temp.place(name regclass, place text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  -- Citus takes up by itself what refers to a table of its own, and may let go of it by itself again.
  IF EXISTS (SELECT 1 FROM pg_dist_partition WHERE logicalrelid = name AND NOT autoconverted) THEN
    RETURN format('%s: placed already', name);
  END IF;
  CASE place
    WHEN 'by project' THEN
      IF name = 'traces'::regclass THEN PERFORM create_distributed_table('traces', 'project_id');
      ELSE PERFORM create_distributed_table(name, 'project_id', colocate_with => 'traces');
      END IF;
    WHEN 'whole on each node' THEN PERFORM create_reference_table(name);
    WHEN 'on the coordinator' THEN PERFORM citus_add_local_table_to_metadata(name);
  END CASE;
  RETURN format('%s: now %s', name, place);
END
$$;

SET citus.enable_ddl_propagation = on;

-- Every node needs what statements call.
SELECT pg_temp.on_each_node('total(bigint)');
SELECT pg_temp.on_each_node('total(numeric)');
SELECT pg_temp.on_each_node('joined(anycompatiblearray)');
SELECT pg_temp.on_each_node('trace_id_at(timestamptz)');
SELECT pg_temp.on_each_node('refuse_if(boolean, text)');
SELECT pg_temp.on_each_node('kept_since(timestamptz, timestamptz, text)');

-- Small, asked for without a project, or for several at once.
SELECT pg_temp.place('projects', 'whole on each node');
SELECT pg_temp.place('page_sessions', 'whole on each node');
SELECT pg_temp.place('custom_prices', 'whole on each node');
SELECT pg_temp.place('retention', 'whole on each node');
SELECT pg_temp.place('catalogue_versions', 'whole on each node');
SELECT pg_temp.place('size_samples', 'whole on each node');
-- It has a trigger, which distributed and reference tables may not have.
SELECT pg_temp.place('admin_log', 'on the coordinator');
-- Keys are to be revoked while a worker is down, too.
SELECT pg_temp.place('api_keys', 'on the coordinator');

-- Rows of one project are on one node, whatever the table; `traces` with all of its partitions. All others follow it.
SELECT pg_temp.place('traces', 'by project');
SELECT pg_temp.place('rollup', 'by project');
SELECT pg_temp.place('prices', 'by project');
SELECT pg_temp.place('spans', 'by project');
SELECT pg_temp.place('responses', 'by project');
SELECT pg_temp.place('held_wrappers', 'by project');
SELECT pg_temp.place('crowded_labels', 'by project');
SELECT pg_temp.place('corrections', 'by project');
SELECT pg_temp.place('reprice_jobs', 'by project');
SELECT pg_temp.place('dead_letters', 'by project');
SELECT pg_temp.place('days_to_repair', 'by project');
SELECT pg_temp.place('relabel_jobs', 'by project');
SELECT pg_temp.place('erasures', 'by project');
SELECT pg_temp.place('plans', 'by project');
SELECT pg_temp.place('views', 'by project');
SELECT pg_temp.place('doubles', 'by project');
SELECT pg_temp.place('reported_usage', 'by project');

-- A row for each project, which its INSERTs are joined to (src/db/shard-inserts.ts).
SET client_min_messages = warning;
CREATE TABLE IF NOT EXISTS project_homes (project_id uuid PRIMARY KEY);
DO $owner$
BEGIN
  EXECUTE format('ALTER TABLE project_homes OWNER TO %I', (SELECT relowner::regrole::text FROM pg_class WHERE oid = 'traces'::regclass));
  IF to_regrole('llm_cost_run') IS NOT NULL THEN GRANT SELECT, INSERT ON project_homes TO llm_cost_run, llm_cost_project; END IF;
END
$owner$;
RESET client_min_messages;
SELECT pg_temp.place('project_homes', 'by project');

-- A plan that is made without the project of a call cannot know the shard.
DO $routines$
DECLARE
  routine regprocedure;
BEGIN
  FOR routine IN
    SELECT oid FROM pg_proc WHERE starts_with(proname, 'llm_cost_routine_') AND pronamespace = 'public'::regnamespace
      AND 'plan_cache_mode=force_custom_plan' <> ALL (coalesce(proconfig, '{}'))
  LOOP
    EXECUTE format('ALTER ROUTINE %s SET plan_cache_mode = force_custom_plan', routine);
  END LOOP;
END
$routines$;

-- A table of a later version that is not named above would be on the coordinator alone.
DO $left$
DECLARE
  missing text := (
    SELECT string_agg(relname, ', ' ORDER BY relname) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
      AND oid NOT IN (SELECT logicalrelid FROM pg_dist_partition)
      AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')
  );
BEGIN
  IF missing IS NOT NULL THEN RAISE WARNING 'This script has no place for: %', missing; END IF;
END
$left$;
SELECT format('%s shards on %s nodes', count(DISTINCT shardid), count(DISTINCT nodename || ':' || nodeport)) AS "calls and rollups"
FROM citus_shards WHERE table_name IN ('traces'::regclass, 'rollup'::regclass);
