-- Every request looks keys up, and would queue behind a lock that is waited for. If it is not to be had, migrate again.
SET LOCAL lock_timeout = '3s';--> statement-breakpoint
ALTER TABLE "api_keys"
	ADD COLUMN "expires_at" timestamp with time zone,
	ADD COLUMN "last_used_at" timestamp with time zone,
	ADD COLUMN "replaced_by" uuid;
