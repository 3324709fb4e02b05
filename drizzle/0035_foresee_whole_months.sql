-- What is foreseen of a month's ids covers all its days, and stays: they are spread over the month, however many there are.
-- Statistics that are made while a month runs end where it is, and what comes after that Postgres takes for none. It then
-- read all calls of the days around for each trace.
CREATE OR REPLACE FUNCTION foresee_statistics(partition regclass, month timestamptz) RETURNS void
LANGUAGE plpgsql SET timezone = 'UTC' AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ALTER COLUMN project_id SET (n_distinct = 2), ALTER COLUMN id SET STATISTICS -1', partition);
  EXECUTE format(
    'INSERT INTO %s (project_id, id, started_at, billable, status, application, environment, provider, model, operation,
       client_id, trace_id, span_id, rule, usage_semantics)
     SELECT gen_random_uuid(), trace_id_at($1 + i * ($1 + interval ''1 month'' - $1) / 331), $1, false, '''', '''', '''', '''', '''', '''',
       '''', md5(i::text), left(md5(i::text), 16), '''', ''''
     FROM generate_series(0, 330) AS i', partition) USING month;
  EXECUTE format('ANALYZE %s (project_id, id, trace_id, span_id)', partition);
  -- Not DELETE: a vacuum would note that so many pages have no rows, and be believed.
  EXECUTE format('TRUNCATE %s', partition);
  EXECUTE format('ALTER TABLE %s ALTER COLUMN project_id RESET (n_distinct), ALTER COLUMN id SET STATISTICS 0', partition);
END
$$;
--> statement-breakpoint
-- Months that are there and empty are foreseen again. One that is used has statistics that age, so they are made more often.
-- Citus takes neither for a table that it has distributed already.
DO $$
DECLARE
  month timestamptz;
  partition regclass;
  used boolean;
  placed boolean;
BEGIN
  SET LOCAL timezone = 'UTC';
  FOR month IN SELECT generate_series(date_trunc('month', now()), now() + interval '4 months', interval '1 month') LOOP
    partition := to_regclass('traces_' || to_char(month, 'YYYY_MM'));
    CONTINUE WHEN partition IS NULL;
    IF to_regclass('pg_dist_partition') IS NOT NULL THEN
      EXECUTE 'SELECT EXISTS (SELECT 1 FROM pg_dist_partition WHERE logicalrelid = $1)' INTO placed USING partition;
      CONTINUE WHEN placed;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s)', partition) INTO used;
    IF used THEN
      EXECUTE format('ALTER TABLE %s SET (autovacuum_analyze_scale_factor = 0.02)', partition);
    ELSE
      PERFORM foresee_statistics(partition, month);
    END IF;
  END LOOP;
END
$$;
