ALTER TABLE "reprice_jobs" ADD COLUMN "out_of_range" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "reprice_jobs" ADD COLUMN "idempotency_key" text;--> statement-breakpoint
ALTER TABLE "reprice_jobs" ADD COLUMN "stepped_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "reprice_jobs" ADD COLUMN "failures" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "reprice_jobs" ADD COLUMN "error" text;--> statement-breakpoint
ALTER TABLE "reprice_jobs" ADD COLUMN "retry_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "reprice_jobs" ADD COLUMN "cancelled_at" timestamp with time zone;--> statement-breakpoint
CREATE UNIQUE INDEX "reprice_jobs_idempotency_key" ON "reprice_jobs" USING btree ("project_id","idempotency_key");