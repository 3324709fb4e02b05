CREATE TABLE "reported_usage" (
	"project_id" uuid NOT NULL,
	"series" uuid NOT NULL,
	"day" date NOT NULL,
	"emitter" text NOT NULL,
	"application" text NOT NULL,
	"measures" text NOT NULL,
	"runs_since" timestamp with time zone,
	"session" uuid,
	"instance" uuid,
	"first_at" timestamp with time zone NOT NULL,
	"last_at" timestamp with time zone NOT NULL,
	"points" bigint[] DEFAULT '{}' NOT NULL,
	"amounts" bigint[] DEFAULT '{}' NOT NULL,
	"went_back" boolean DEFAULT false NOT NULL,
	"left_out" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "reported_usage_project_id_series_day_pk" PRIMARY KEY("project_id","series","day")
);
--> statement-breakpoint
CREATE INDEX "reported_usage_day" ON "reported_usage" USING btree ("project_id","day");