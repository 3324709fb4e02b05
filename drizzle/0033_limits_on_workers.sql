-- On Citus a limit of waiting holds on the coordinator alone, unless SET LOCAL is passed on to the workers: without it
-- questions waited for seconds behind a partition that was to be dropped. Elsewhere the first setting is a name that nothing reads.
CREATE OR REPLACE FUNCTION drop_trace_partition(instant timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '200ms' SET timezone = 'UTC' AS $$
DECLARE
  oldest text;
BEGIN
  PERFORM set_config('citus.propagate_set_commands', 'local', true);
  SET LOCAL lock_timeout = '200ms';
  -- Two that drop the same partition at once would stumble over each other.
  IF NOT pg_try_advisory_xact_lock(hashtext('drop_trace_partition')) THEN
    RETURN null;
  END IF;
  SELECT min(c.relname::text COLLATE "C") INTO oldest
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
  WHERE i.inhparent = 'traces'::regclass AND c.relname ~ '^traces_[0-9]{4}_[0-9]{2}$';
  instant := least(instant, (SELECT raw_since FROM retention));
  IF oldest IS NULL OR oldest >= 'traces_' || to_char(instant, 'YYYY_MM') COLLATE "C" THEN
    RETURN false;
  END IF;
  EXECUTE format('DROP TABLE %I', oldest);
  RETURN true;
EXCEPTION WHEN lock_not_available THEN
  RETURN null;
END
$$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION create_trace_partitions(first date, last date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' SET timezone = 'UTC' AS $$
DECLARE
  month timestamptz;
  name text;
  made integer := 0;
BEGIN
  PERFORM set_config('citus.propagate_set_commands', 'local', true);
  SET LOCAL lock_timeout = '2s';
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
