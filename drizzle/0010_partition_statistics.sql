-- A new partition has no statistics until it is analyzed, a minute or more after its month began. Until then Postgres takes
-- a project's calls of some days for one row, and reads them all where it should look for those of a trace. So each
-- partition is born with what it will be like: many calls of few projects, spread over the month, each of its own trace.
CREATE FUNCTION foresee_statistics(partition regclass, month timestamptz) RETURNS void
LANGUAGE plpgsql SET timezone = 'UTC' AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ALTER COLUMN project_id SET (n_distinct = 2)', partition);
  EXECUTE format(
    'INSERT INTO %s (project_id, id, started_at, billable, status, application, environment, provider, model, operation,
       client_id, trace_id, span_id, rule, usage_semantics)
     SELECT gen_random_uuid(), trace_id_at($1 + i * interval ''2 hours''), $1, false, '''', '''', '''', '''', '''', '''',
       '''', md5(i::text), left(md5(i::text), 16), '''', ''''
     FROM generate_series(0, 330) AS i', partition) USING month;
  EXECUTE format('ANALYZE %s (project_id, id, trace_id, span_id)', partition);
  -- Not DELETE: a vacuum would note that so many pages have no rows, and be believed.
  EXECUTE format('TRUNCATE %s', partition);
  EXECUTE format('ALTER TABLE %s ALTER COLUMN project_id RESET (n_distinct)', partition);
END
$$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION create_trace_partitions(first date, last date) RETURNS integer
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
    PERFORM foresee_statistics(name::regclass, month);
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
--> statement-breakpoint
-- Where pages are not on a disk that turns, to look a thousand rows up costs less than to read fifty thousand.
DO $$
BEGIN
  IF current_setting('random_page_cost')::float8 > 1.1 THEN
    EXECUTE format('ALTER ROLE %I SET random_page_cost = 1.1', current_user);
  END IF;
END
$$;
