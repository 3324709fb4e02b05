CREATE TABLE "reprice_jobs" (
	"project_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"scope" jsonb NOT NULL,
	"cursor" uuid,
	"looked" bigint DEFAULT 0 NOT NULL,
	"restated" bigint DEFAULT 0 NOT NULL,
	"difference_pico" numeric DEFAULT '0' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"done_at" timestamp with time zone,
	CONSTRAINT "reprice_jobs_project_id_id_pk" PRIMARY KEY("project_id","id")
);
