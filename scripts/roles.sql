-- Makes the roles of the ledger. The owner of the database runs it, as often as it likes, with
-- DATABASE_URL='postgres://…' npm run migrate -- --roles. That migrates, too, and says who may do what (grants.sql).
--
--   llm_cost_migrate  owns the schema and migrates it
--   llm_cost_run      what the Worker logs in as; owns nothing
--   llm_cost_project  what the Worker becomes for the length of a transaction that is of one project
--   llm_cost_read     reads all but keys, for other tools
--
-- None may log in until it is given a password: ALTER ROLE llm_cost_run LOGIN PASSWORD '…'. On Citus let each node log in
-- to the others as the first three, too, by a certificate, or by passwords in pg_dist_authinfo or .pgpass.
DO $roles$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['llm_cost_migrate', 'llm_cost_run', 'llm_cost_project', 'llm_cost_read'] LOOP
    BEGIN
      -- Who inherited from llm_cost_project would be behind its wall always.
      IF to_regrole(name) IS NULL THEN EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', name); END IF;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), name);
    -- On Citus the nodes log in to each other with the role that a statement is run with.
    IF name <> 'llm_cost_read' AND EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
      EXECUTE format('ALTER ROLE %I LOGIN', name);
      -- It sees all projects by every policy. Behind policies Citus could not copy rows to workers for it.
      IF name = 'llm_cost_run' THEN EXECUTE format('ALTER ROLE %I BYPASSRLS', name); END IF;
    END IF;
    -- A superuser is a member of all roles. The owner goes on to migrate, and to deploy as it did.
    IF name IN ('llm_cost_migrate', 'llm_cost_project') AND NOT pg_has_role(name, 'USAGE') THEN
      EXECUTE format('GRANT %I TO %I', name, current_user);
    END IF;
  END LOOP;
  EXECUTE format('GRANT CREATE ON DATABASE %I TO llm_cost_migrate', current_database());
END
$roles$;
--> statement-breakpoint
GRANT llm_cost_project TO llm_cost_run;
--> statement-breakpoint
-- What the Worker tells of connections, locks and slow statements needs the statistics of all roles. Before Postgres 16
-- a role that inherits nothing cannot have that; then it tells less.
DO $statistics$
BEGIN
  IF current_setting('server_version_num')::int >= 160000 THEN
    EXECUTE 'GRANT pg_read_all_stats TO llm_cost_run WITH INHERIT TRUE';
  END IF;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE NOTICE 'llm_cost_run sees its own statistics alone. Let one who may: GRANT pg_read_all_stats TO llm_cost_run';
END
$statistics$;
--> statement-breakpoint
-- Whoever makes tables here could put them in front of the ledger's own.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
--> statement-breakpoint
GRANT USAGE ON SCHEMA public TO llm_cost_migrate, llm_cost_run, llm_cost_project, llm_cost_read;
--> statement-breakpoint
GRANT CREATE ON SCHEMA public TO llm_cost_migrate;
--> statement-breakpoint
-- What the migrations set for the role that ran them, for the same reasons. Only nodes of Citus log in as
-- llm_cost_project. Without jit = off a worker compiled one statement of settling for eight seconds.
DO $settings$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['llm_cost_run', 'llm_cost_project', 'llm_cost_read', current_user::text] LOOP
    EXECUTE format('ALTER ROLE %I SET jit = off', name);
    EXECUTE format('ALTER ROLE %I SET work_mem = ''32MB''', name);
    EXECUTE format('ALTER ROLE %I SET random_page_cost = %s', name, least(current_setting('random_page_cost')::float8, 1.1));
  END LOOP;
  ALTER ROLE llm_cost_read SET default_transaction_read_only = on;
END
$settings$;
--> statement-breakpoint
-- What an earlier owner has migrated, an object at a time: a lock on two tables could deadlock with those who use both.
DO $owned$
DECLARE
  former oid := (SELECT relowner FROM pg_class WHERE oid = to_regclass('public.traces'));
  owned record;
BEGIN
  IF former = 'llm_cost_migrate'::regrole THEN RETURN; END IF;
  PERFORM set_config('lock_timeout', '2s', false);
  FOR owned IN
    SELECT 'SCHEMA' AS kind, quote_ident(nspname) AS name FROM pg_namespace WHERE nspname = 'drizzle' AND nspowner = former
    UNION ALL
    SELECT 'ROUTINE', oid::regprocedure::text FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace AND proowner = former
      AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e')
    UNION ALL
    -- `traces` last: if this is cut off, the next run goes on.
    (SELECT 'TABLE', oid::regclass::text FROM pg_class
    WHERE relnamespace::regnamespace::text IN ('public', 'drizzle') AND relkind IN ('r', 'p') AND relowner = former
      AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')
    ORDER BY relname = 'traces', relname)
  LOOP
    EXECUTE format('ALTER %s %s OWNER TO llm_cost_migrate', owned.kind, owned.name);
    COMMIT;
  END LOOP;
  RESET lock_timeout;
END
$owned$;
