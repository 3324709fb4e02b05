ALTER TABLE "custom_prices" ADD COLUMN "aliases" text[];--> statement-breakpoint
ALTER TABLE "custom_prices" ADD COLUMN "steps" jsonb;--> statement-breakpoint
ALTER TABLE "custom_prices" ADD COLUMN "multipliers" jsonb;