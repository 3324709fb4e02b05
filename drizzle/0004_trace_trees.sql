CREATE TABLE "held_wrappers" (
	"project_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"trace_id" text NOT NULL,
	"due_at" timestamp with time zone NOT NULL,
	CONSTRAINT "held_wrappers_project_id_id_pk" PRIMARY KEY("project_id","id")
);
--> statement-breakpoint
CREATE TABLE "responses" (
	"project_id" uuid NOT NULL,
	"response" uuid NOT NULL,
	"holder" uuid,
	"detail" smallint NOT NULL,
	"sightings" uuid[] NOT NULL,
	CONSTRAINT "responses_project_id_response_pk" PRIMARY KEY("project_id","response")
);
--> statement-breakpoint
CREATE TABLE "spans" (
	"project_id" uuid NOT NULL,
	"trace_id" text NOT NULL,
	"span_id" text NOT NULL,
	"parent_id" text,
	"started_at" timestamp with time zone NOT NULL,
	"wrapper" boolean NOT NULL,
	"user_id" text,
	"session_id" text,
	"tags" jsonb,
	"received_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "spans_project_id_trace_id_span_id_pk" PRIMARY KEY("project_id","trace_id","span_id")
);
--> statement-breakpoint
ALTER TABLE "traces" ADD COLUMN "wrapper" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "traces" ADD COLUMN "nested" boolean DEFAULT false NOT NULL;
--> statement-breakpoint
UPDATE "traces" SET "wrapper" = true WHERE NOT "billable" AND "rule" <> 'litellm cache_hit';
--> statement-breakpoint
-- Takes a transaction back whose statement finds that it must not go on; `code` tells the caller why.
CREATE FUNCTION refuse_if(condition boolean, code text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  IF condition THEN
    RAISE EXCEPTION 'refused' USING ERRCODE = code;
  END IF;
  RETURN false;
END
$$;
