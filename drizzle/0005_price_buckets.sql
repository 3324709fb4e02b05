ALTER TABLE "rollup" ALTER COLUMN "requests" SET DEFAULT 0;--> statement-breakpoint
ALTER TABLE "rollup" ALTER COLUMN "errors" SET DEFAULT 0;--> statement-breakpoint
ALTER TABLE "rollup" ALTER COLUMN "unpriced_requests" SET DEFAULT 0;--> statement-breakpoint
ALTER TABLE "rollup" ALTER COLUMN "unrecorded_requests" SET DEFAULT 0;--> statement-breakpoint
ALTER TABLE "rollup" ALTER COLUMN "unpriced_tokens" SET DEFAULT 0;--> statement-breakpoint
ALTER TABLE "rollup" ALTER COLUMN "input_tokens" SET DEFAULT 0;--> statement-breakpoint
ALTER TABLE "rollup" ALTER COLUMN "output_tokens" SET DEFAULT 0;--> statement-breakpoint
ALTER TABLE "rollup" ALTER COLUMN "cache_read_tokens" SET DEFAULT 0;--> statement-breakpoint
ALTER TABLE "rollup" ALTER COLUMN "cache_write_tokens" SET DEFAULT 0;--> statement-breakpoint
ALTER TABLE "rollup" ALTER COLUMN "cache_write_1h_tokens" SET DEFAULT 0;--> statement-breakpoint
ALTER TABLE "rollup" ALTER COLUMN "reasoning_tokens" SET DEFAULT 0;--> statement-breakpoint
ALTER TABLE "rollup" ALTER COLUMN "input_audio_tokens" SET DEFAULT 0;--> statement-breakpoint
ALTER TABLE "rollup" ALTER COLUMN "output_audio_tokens" SET DEFAULT 0;--> statement-breakpoint
ALTER TABLE "rollup" ALTER COLUMN "latency_count" SET DEFAULT 0;--> statement-breakpoint
ALTER TABLE "rollup" ALTER COLUMN "cost_pico" SET DEFAULT '0';--> statement-breakpoint
ALTER TABLE "rollup" ALTER COLUMN "recorded_cost_pico" SET DEFAULT '0';--> statement-breakpoint
ALTER TABLE "rollup" ALTER COLUMN "latency_sum_us" SET DEFAULT '0';--> statement-breakpoint
ALTER TABLE "rollup" ALTER COLUMN "cost_input_pico" SET DEFAULT '0';--> statement-breakpoint
ALTER TABLE "rollup" ALTER COLUMN "cost_cache_read_pico" SET DEFAULT '0';--> statement-breakpoint
ALTER TABLE "rollup" ALTER COLUMN "cost_cache_write_pico" SET DEFAULT '0';--> statement-breakpoint
ALTER TABLE "rollup" ALTER COLUMN "cost_cache_write_1h_pico" SET DEFAULT '0';--> statement-breakpoint
ALTER TABLE "rollup" ALTER COLUMN "cost_input_audio_pico" SET DEFAULT '0';--> statement-breakpoint
ALTER TABLE "rollup" ALTER COLUMN "cost_output_pico" SET DEFAULT '0';--> statement-breakpoint
ALTER TABLE "rollup" ALTER COLUMN "cost_reasoning_pico" SET DEFAULT '0';--> statement-breakpoint
ALTER TABLE "rollup" ALTER COLUMN "cost_output_audio_pico" SET DEFAULT '0';--> statement-breakpoint
ALTER TABLE "custom_prices" ADD COLUMN "input_image_pico" bigint;--> statement-breakpoint
ALTER TABLE "custom_prices" ADD COLUMN "output_image_pico" bigint;--> statement-breakpoint
ALTER TABLE "custom_prices" ADD COLUMN "request_pico" bigint;--> statement-breakpoint
ALTER TABLE "custom_prices" ADD COLUMN "web_search_pico" bigint;--> statement-breakpoint
ALTER TABLE "prices" ADD COLUMN "input_image_pico" bigint;--> statement-breakpoint
ALTER TABLE "prices" ADD COLUMN "output_image_pico" bigint;--> statement-breakpoint
ALTER TABLE "prices" ADD COLUMN "request_pico" bigint;--> statement-breakpoint
ALTER TABLE "prices" ADD COLUMN "web_search_pico" bigint;--> statement-breakpoint
ALTER TABLE "rollup" ADD COLUMN "input_image_tokens" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "rollup" ADD COLUMN "output_image_tokens" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "rollup" ADD COLUMN "web_searches" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "rollup" ADD COLUMN "cost_input_image_pico" numeric DEFAULT '0' NOT NULL;--> statement-breakpoint
ALTER TABLE "rollup" ADD COLUMN "cost_output_image_pico" numeric DEFAULT '0' NOT NULL;--> statement-breakpoint
ALTER TABLE "rollup" ADD COLUMN "cost_request_pico" numeric DEFAULT '0' NOT NULL;--> statement-breakpoint
ALTER TABLE "rollup" ADD COLUMN "cost_web_search_pico" numeric DEFAULT '0' NOT NULL;--> statement-breakpoint
ALTER TABLE "traces" ADD COLUMN "input_image_tokens" integer;--> statement-breakpoint
ALTER TABLE "traces" ADD COLUMN "output_image_tokens" integer;--> statement-breakpoint
ALTER TABLE "traces" ADD COLUMN "web_searches" integer;