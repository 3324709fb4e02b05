CREATE TABLE "admin_log" (
	"project_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"actor" text NOT NULL,
	"action" text NOT NULL,
	"subject" text,
	"request_id" text NOT NULL,
	CONSTRAINT "admin_log_project_id_id_pk" PRIMARY KEY("project_id","id")
);
--> statement-breakpoint
CREATE TABLE "erasures" (
	"project_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"user_id" text,
	"subject" text NOT NULL,
	"mode" text NOT NULL,
	"pass" smallint DEFAULT 1 NOT NULL,
	"stage" text DEFAULT 'links' NOT NULL,
	"cursor" text,
	"calls" bigint DEFAULT 0 NOT NULL,
	"links" bigint DEFAULT 0 NOT NULL,
	"dead_letters" bigint DEFAULT 0 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"due_at" timestamp with time zone,
	"stepped_at" timestamp with time zone,
	"failures" smallint DEFAULT 0 NOT NULL,
	"error" text,
	"done_at" timestamp with time zone,
	CONSTRAINT "erasures_project_id_id_pk" PRIMARY KEY("project_id","id")
);
--> statement-breakpoint
CREATE INDEX "admin_log_at" ON "admin_log" USING btree ("at","id");--> statement-breakpoint
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;
--> statement-breakpoint
CREATE TRIGGER "admin_log_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "admin_log"
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
