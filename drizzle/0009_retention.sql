CREATE TABLE "retention" (
	"raw_since" timestamp with time zone DEFAULT 'epoch' NOT NULL,
	"raw_removed" timestamp with time zone DEFAULT 'epoch' NOT NULL,
	"hour_since" timestamp with time zone DEFAULT 'epoch' NOT NULL,
	"hour_removed" timestamp with time zone DEFAULT 'epoch' NOT NULL
);

--> statement-breakpoint
INSERT INTO "retention" DEFAULT VALUES;
--> statement-breakpoint
-- Ends a statement that needs `what` from `instant` on, where that is kept only `since` later; the message says since when.
CREATE FUNCTION kept_since(instant timestamptz, since timestamptz, what text) RETURNS boolean
LANGUAGE plpgsql PARALLEL SAFE AS $$
BEGIN
  IF instant < since THEN
    RAISE EXCEPTION '% %', what, floor(extract(epoch FROM since) * 1000)::bigint USING ERRCODE = 'LT002';
  END IF;
  RETURN true;
END
$$;
--> statement-breakpoint
-- Drops the oldest partition of `traces` that ends before the month of `instant`. Returns whether there was one, null
-- when others use the table: who comes after a lock that waits has to wait as well, so this one does not wait for long.
CREATE FUNCTION drop_trace_partition(instant timestamptz) RETURNS boolean
LANGUAGE plpgsql SET lock_timeout = '200ms' SET timezone = 'UTC' AS $$
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
  IF oldest IS NULL OR oldest >= 'traces_' || to_char(instant, 'YYYY_MM') COLLATE "C" THEN
    RETURN false;
  END IF;
  EXECUTE format('DROP TABLE %I', oldest);
  RETURN true;
EXCEPTION WHEN lock_not_available THEN
  RETURN null;
END
$$;
