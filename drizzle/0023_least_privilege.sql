-- Partitions come and go with the rights of the owner of `traces`, so that the Worker's role owns nothing and makes nothing
-- else (scripts/roles.sql). With a search path of their own no one can put other tables in the place of these.
ALTER FUNCTION create_trace_partitions(date, date) SECURITY DEFINER SET search_path = public, pg_temp;
--> statement-breakpoint
-- Drops the oldest partition of `traces` that ends before the month of `instant`. Returns whether there was one, null
-- when others use the table: who comes after a lock that waits has to wait as well, so this one does not wait for long.
-- Whoever may call it drops nothing that is still kept.
CREATE OR REPLACE FUNCTION drop_trace_partition(instant timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '200ms' SET timezone = 'UTC' AS $$
DECLARE
  oldest text;
BEGIN
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
REVOKE EXECUTE ON FUNCTION
  create_trace_partitions(date, date), drop_trace_partition(timestamptz), foresee_statistics(regclass, timestamptz)
FROM PUBLIC;
