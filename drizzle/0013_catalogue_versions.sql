CREATE TABLE "catalogue_versions" (
	"version" text PRIMARY KEY NOT NULL,
	"source" text NOT NULL,
	"document" text NOT NULL,
	"stored_at" timestamp with time zone NOT NULL,
	"healed_at" timestamp with time zone
);
