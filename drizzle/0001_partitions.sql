-- The first 48 bits of a trace's id are its start in ms, so a month of ids is a range of ids.
CREATE FUNCTION trace_id_at(instant timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT rpad(lpad(to_hex(floor(extract(epoch FROM instant) * 1000)::bigint), 12, '0'), 32, '0')::uuid
$$;
--> statement-breakpoint
-- Makes the monthly partitions of `traces` that are missing from `first` to `last`, both included.
-- CREATE then ATTACH takes no lock that readers or writers wait for; should ATTACH itself have to
-- wait, it gives up after the lock timeout and the next call tries again.
CREATE FUNCTION create_trace_partitions(first date, last date) RETURNS integer
LANGUAGE plpgsql SET lock_timeout = '2s' SET timezone = 'UTC' AS $$
DECLARE
  month timestamptz;
  name text;
  made integer := 0;
BEGIN
  FOR month IN SELECT generate_series(date_trunc('month', first::timestamptz), last::timestamptz, interval '1 month') LOOP
    name := 'traces_' || to_char(month, 'YYYY_MM');
    CONTINUE WHEN to_regclass(name) IS NOT NULL;
    EXECUTE format('CREATE TABLE %I (LIKE traces INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)', name);
    EXECUTE format(
      'ALTER TABLE traces ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
      name, trace_id_at(month), trace_id_at(month + interval '1 month')
    );
    made := made + 1;
  END LOOP;
  RETURN made;
END
$$;
--> statement-breakpoint
SELECT create_trace_partitions('2020-01-01', (now() + interval '3 months')::date);
--> statement-breakpoint
-- Rollup rows come and go with each merge: clean up after a few percent of them, not a fifth.
ALTER TABLE "rollup" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
--> statement-breakpoint
INSERT INTO "projects" ("id", "name") VALUES ('00000000-0000-4000-8000-000000000000', 'default');
--> statement-breakpoint
-- Compiling these statements costs more than running them (130 ms for a summary).
DO $$ BEGIN EXECUTE format('ALTER ROLE %I SET jit = off', current_user); END $$;
--> statement-breakpoint
-- Grouping some ten thousand rows in memory instead of on disk.
DO $$ BEGIN EXECUTE format('ALTER ROLE %I SET work_mem = ''32MB''', current_user); END $$;
