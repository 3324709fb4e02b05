-- What an older Worker merges would leave out what a plan covers and roll up other tags of calls with more than ten, and is
-- refused from now on. NOT VALID, so that what is there stays, and is not even looked at.
ALTER TABLE "rollup" DROP CONSTRAINT "rollup_merged_whole";--> statement-breakpoint
ALTER TABLE "rollup" ADD COLUMN "covered_by" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "rollup" ADD COLUMN "plan_cost_pico" numeric;--> statement-breakpoint
ALTER TABLE "traces" ADD COLUMN "covered_by" text;--> statement-breakpoint
ALTER TABLE "rollup" ADD CONSTRAINT "rollup_merged_whole" CHECK (level = 0 or coalesce(format, 0) >= 5) NOT VALID;