-- Postgres' own sum of bigints is a numeric, with memory of its own for each group; groups here are many and small.
CREATE AGGREGATE total(bigint) (SFUNC = int8pl, STYPE = bigint, COMBINEFUNC = int8pl, PARALLEL = SAFE);--> statement-breakpoint
CREATE AGGREGATE total(numeric) (SFUNC = numeric_add, STYPE = numeric, COMBINEFUNC = numeric_add, PARALLEL = SAFE);--> statement-breakpoint
-- The columns in the order in which questions need them; 0 is null.
CREATE TABLE "rollup_in_sets" (
	"project_id" uuid NOT NULL,
	"bucket" timestamp with time zone NOT NULL,
	"level" smallint NOT NULL,
	"application" text NOT NULL,
	"environment" text NOT NULL,
	"provider" text NOT NULL,
	"model" text NOT NULL,
	"operation" text NOT NULL,
	"service_tier" text NOT NULL,
	"requests" bigint NOT NULL,
	"input_tokens" bigint,
	"output_tokens" bigint,
	"cost_pico" numeric,
	"recorded_cost_pico" numeric,
	"cache_read_tokens" bigint,
	"cache_write_tokens" bigint,
	"reasoning_tokens" bigint,
	"errors" bigint,
	"unpriced_requests" bigint,
	"unpriced_tokens" bigint,
	"unrecorded_requests" bigint,
	"latency_count" bigint,
	"latency_sum_us" numeric,
	"cache_write_1h_tokens" bigint,
	"input_audio_tokens" bigint,
	"output_audio_tokens" bigint,
	"input_image_tokens" bigint,
	"output_image_tokens" bigint,
	"web_searches" bigint,
	"cost_input_pico" numeric,
	"cost_cache_read_pico" numeric,
	"cost_cache_write_pico" numeric,
	"cost_cache_write_1h_pico" numeric,
	"cost_input_audio_pico" numeric,
	"cost_input_image_pico" numeric,
	"cost_output_pico" numeric,
	"cost_reasoning_pico" numeric,
	"cost_output_audio_pico" numeric,
	"cost_output_image_pico" numeric,
	"cost_request_pico" numeric,
	"cost_web_search_pico" numeric,
	"label" text NOT NULL,
	"value" text NOT NULL,
	"user_id" text,
	"tags" jsonb,
	"latency_buckets" smallint[],
	"latency_counts" integer[],
	-- A Worker older than the grouping sets stores zeros: it may not merge any more, for it would leave the sets out.
	CONSTRAINT "rollup_merged_with_sets" CHECK (level = 0 or web_searches <> 0)
);
--> statement-breakpoint
-- What is merged of the main rows becomes partial again: merging it anew makes its grouping sets.
INSERT INTO "rollup_in_sets" (
	"project_id", "bucket", "level", "application", "environment", "provider", "model", "operation", "service_tier",
	"requests", "input_tokens", "output_tokens", "cost_pico", "recorded_cost_pico", "cache_read_tokens",
	"cache_write_tokens", "reasoning_tokens", "errors", "unpriced_requests", "unpriced_tokens",
	"unrecorded_requests", "latency_count", "latency_sum_us", "cache_write_1h_tokens", "input_audio_tokens",
	"output_audio_tokens", "input_image_tokens", "output_image_tokens", "web_searches", "cost_input_pico",
	"cost_cache_read_pico", "cost_cache_write_pico", "cost_cache_write_1h_pico", "cost_input_audio_pico",
	"cost_input_image_pico", "cost_output_pico", "cost_reasoning_pico", "cost_output_audio_pico",
	"cost_output_image_pico", "cost_request_pico", "cost_web_search_pico", "label", "value", "user_id", "tags",
	"latency_buckets", "latency_counts"
)
SELECT
	"project_id", "bucket", CASE WHEN "label" = '' THEN 0 ELSE "level" END, "application", "environment", "provider",
	"model", "operation", "service_tier", "requests", nullif("input_tokens", 0), nullif("output_tokens", 0),
	nullif("cost_pico", 0), nullif("recorded_cost_pico", 0), nullif("cache_read_tokens", 0),
	nullif("cache_write_tokens", 0), nullif("reasoning_tokens", 0), nullif("errors", 0),
	nullif("unpriced_requests", 0), nullif("unpriced_tokens", 0), nullif("unrecorded_requests", 0),
	nullif("latency_count", 0), nullif("latency_sum_us", 0), nullif("cache_write_1h_tokens", 0),
	nullif("input_audio_tokens", 0), nullif("output_audio_tokens", 0), nullif("input_image_tokens", 0),
	nullif("output_image_tokens", 0), nullif("web_searches", 0), nullif("cost_input_pico", 0),
	nullif("cost_cache_read_pico", 0), nullif("cost_cache_write_pico", 0), nullif("cost_cache_write_1h_pico", 0),
	nullif("cost_input_audio_pico", 0), nullif("cost_input_image_pico", 0), nullif("cost_output_pico", 0),
	nullif("cost_reasoning_pico", 0), nullif("cost_output_audio_pico", 0), nullif("cost_output_image_pico", 0),
	nullif("cost_request_pico", 0), nullif("cost_web_search_pico", 0), "label", "value", "user_id", "tags",
	"latency_buckets", "latency_counts"
FROM "rollup" WHERE "label" <> '' OR "level" <> 2;
--> statement-breakpoint
DROP TABLE "rollup";--> statement-breakpoint
ALTER TABLE "rollup_in_sets" RENAME TO "rollup";--> statement-breakpoint
CREATE INDEX "rollup_lookup" ON "rollup" USING btree ("level","project_id","label","bucket","value");
