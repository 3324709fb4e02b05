ALTER TABLE "traces" ADD COLUMN "filled" jsonb;--> statement-breakpoint
-- What an older Worker merges would roll up other tags of calls with more than ten, and is refused from now on. NOT VALID, so
-- that what is there stays, and is not even looked at.
ALTER TABLE "rollup" DROP CONSTRAINT "rollup_merged_whole";--> statement-breakpoint
ALTER TABLE "rollup" ADD CONSTRAINT "rollup_merged_whole" CHECK (level = 0 or coalesce(format, 0) >= 5) NOT VALID;--> statement-breakpoint
-- Cron looks at these days, the latest first, and repairs those that need it.
INSERT INTO "days_to_repair" ("project_id", "day")
SELECT DISTINCT "project_id", "bucket" FROM "rollup" WHERE "level" IN (2, 4) AND "label" = '(environment,operation)'
ORDER BY 1, 2 ON CONFLICT DO NOTHING;
