ALTER TABLE "traces" ADD COLUMN "filled" jsonb;--> statement-breakpoint
-- What was merged before rolled up other tags of calls with more than ten. Cron looks at these days, the latest first, and
-- repairs those that need it.
INSERT INTO "days_to_repair" ("project_id", "day")
SELECT DISTINCT "project_id", "bucket" FROM "rollup" WHERE "level" IN (2, 4) AND "label" = '(environment,operation)'
ORDER BY 1, 2 ON CONFLICT DO NOTHING;
