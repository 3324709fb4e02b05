-- What was foreseen of a month ended after 27 days and a half. On the days after that, Postgres took the calls of the days
-- around for none, and read them all for each trace.
CREATE OR REPLACE FUNCTION foresee_statistics(partition regclass, month timestamptz) RETURNS void
LANGUAGE plpgsql SET timezone = 'UTC' AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ALTER COLUMN project_id SET (n_distinct = 2)', partition);
  EXECUTE format(
    'INSERT INTO %s (project_id, id, started_at, billable, status, application, environment, provider, model, operation,
       client_id, trace_id, span_id, rule, usage_semantics)
     SELECT gen_random_uuid(), trace_id_at($1 + i * ($1 + interval ''1 month'' - $1) / 331), $1, false, '''', '''', '''', '''', '''', '''',
       '''', md5(i::text), left(md5(i::text), 16), '''', ''''
     FROM generate_series(0, 330) AS i', partition) USING month;
  EXECUTE format('ANALYZE %s (project_id, id, trace_id, span_id)', partition);
  -- Not DELETE: a vacuum would note that so many pages have no rows, and be believed.
  EXECUTE format('TRUNCATE %s', partition);
  EXECUTE format('ALTER TABLE %s ALTER COLUMN project_id RESET (n_distinct)', partition);
END
$$;
--> statement-breakpoint
-- Those that are there and empty: this month's, and the next.
DO $$
DECLARE
  month timestamptz;
  partition regclass;
  used boolean;
BEGIN
  SET LOCAL timezone = 'UTC';
  FOR month IN SELECT generate_series(date_trunc('month', now()), now() + interval '4 months', interval '1 month') LOOP
    partition := to_regclass('traces_' || to_char(month, 'YYYY_MM'));
    CONTINUE WHEN partition IS NULL;
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', partition) INTO used;
    CONTINUE WHEN used;
    PERFORM foresee_statistics(partition, month);
  END LOOP;
END
$$;
