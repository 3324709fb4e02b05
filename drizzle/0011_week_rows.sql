-- Writes wait until this is done; reads go on but for the last steps, which are short.
LOCK TABLE "rollup" IN SHARE ROW EXCLUSIVE MODE;--> statement-breakpoint
-- Main rows get their weeks: each of a day a fresh one of its week, which compacting adds up step by step.
INSERT INTO "rollup" (
	"project_id", "bucket", "level", "application", "environment", "provider", "model", "operation",
	"service_tier", "requests", "input_tokens", "output_tokens", "cost_pico", "recorded_cost_pico", "cache_read_tokens",
	"cache_write_tokens", "reasoning_tokens", "errors", "unpriced_requests", "unpriced_tokens", "unrecorded_requests",
	"latency_count", "latency_sum_us", "cache_write_1h_tokens", "input_audio_tokens", "output_audio_tokens",
	"input_image_tokens", "output_image_tokens", "web_searches", "cost_input_pico", "cost_cache_read_pico",
	"cost_cache_write_pico", "cost_cache_write_1h_pico", "cost_input_audio_pico", "cost_input_image_pico",
	"cost_output_pico", "cost_reasoning_pico", "cost_output_audio_pico", "cost_output_image_pico", "cost_request_pico",
	"cost_web_search_pico", "label", "value", "latency_buckets", "latency_counts"
)
SELECT
	"project_id", date_bin('7 days', "bucket", '1970-01-05Z'::timestamptz), 7, "application", "environment",
	"provider", "model", "operation", "service_tier", "requests", "input_tokens", "output_tokens", "cost_pico",
	"recorded_cost_pico", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "errors", "unpriced_requests",
	"unpriced_tokens", "unrecorded_requests", "latency_count", "latency_sum_us", "cache_write_1h_tokens",
	"input_audio_tokens", "output_audio_tokens", "input_image_tokens", "output_image_tokens", "web_searches",
	"cost_input_pico", "cost_cache_read_pico", "cost_cache_write_pico", "cost_cache_write_1h_pico",
	"cost_input_audio_pico", "cost_input_image_pico", "cost_output_pico", "cost_reasoning_pico",
	"cost_output_audio_pico", "cost_output_image_pico", "cost_request_pico", "cost_web_search_pico", "label", "value",
	"latency_buckets", "latency_counts"
FROM "rollup"
WHERE "level" IN (2, 4) AND ("label" = '' OR "label" LIKE '(%');--> statement-breakpoint
-- What is there has format 2 from now on, at no cost. What an older Worker merges has none, and is refused: it would leave
-- the weeks out.
ALTER TABLE "rollup" ADD COLUMN "format" smallint DEFAULT 2;--> statement-breakpoint
ALTER TABLE "rollup" ALTER COLUMN "format" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "rollup" DROP CONSTRAINT "rollup_merged_with_sets";--> statement-breakpoint
ALTER TABLE "rollup" ADD CONSTRAINT "rollup_merged_whole" CHECK (level = 0 or coalesce(format, 0) >= 2);
