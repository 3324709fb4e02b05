ALTER TABLE "responses" ADD COLUMN "also" uuid[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "traces" ADD COLUMN "other_ids" text[];