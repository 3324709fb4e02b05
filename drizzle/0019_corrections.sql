CREATE TABLE "corrections" (
	"project_id" uuid NOT NULL,
	"application" text NOT NULL,
	"environment" text NOT NULL,
	"provider" text NOT NULL,
	"model" text NOT NULL,
	"requests" bigint NOT NULL,
	"errors" bigint NOT NULL,
	"input_tokens" bigint NOT NULL,
	"output_tokens" bigint NOT NULL,
	"cache_read_tokens" bigint NOT NULL,
	"cache_write_tokens" bigint NOT NULL,
	"reasoning_tokens" bigint NOT NULL,
	"cost_pico" numeric NOT NULL,
	"latency_count" bigint NOT NULL,
	"latency_sum_us" numeric NOT NULL,
	"cost_added_pico" numeric NOT NULL,
	"cost_taken_pico" numeric NOT NULL,
	"latency_buckets" smallint[],
	"latency_counts" integer[]
);
--> statement-breakpoint
CREATE INDEX "corrections_project" ON "corrections" USING btree ("project_id");