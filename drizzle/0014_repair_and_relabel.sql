CREATE TABLE "days_to_repair" (
	"project_id" uuid NOT NULL,
	"day" timestamp with time zone NOT NULL,
	"noted_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "days_to_repair_project_id_day_pk" PRIMARY KEY("project_id","day")
);
--> statement-breakpoint
CREATE TABLE "relabel_jobs" (
	"project_id" uuid PRIMARY KEY NOT NULL,
	"cursor" uuid NOT NULL
);
--> statement-breakpoint
-- What an older Worker merges would leave reported costs out, and is refused from now on. What is there was merged without
-- them: NOT VALID, so that it stays, and is not even looked at.
ALTER TABLE "rollup" DROP CONSTRAINT "rollup_merged_whole";--> statement-breakpoint
ALTER TABLE "rollup" ADD CONSTRAINT "rollup_merged_whole" CHECK (level = 0 or coalesce(format, 0) >= 3) NOT VALID;--> statement-breakpoint
-- Cron repairs these days, the latest first. It drops those without a reported cost.
INSERT INTO "days_to_repair" ("project_id", "day")
SELECT DISTINCT "project_id", "bucket" FROM "rollup" WHERE "level" IN (2, 4) AND "label" = '(environment,operation)'
ORDER BY 1, 2;--> statement-breakpoint
INSERT INTO "relabel_jobs" ("project_id", "cursor") SELECT "id", '00000000-0000-0000-0000-000000000000' FROM "projects";
