CREATE TABLE "page_sessions" (
	"project_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"key_id" uuid,
	"secret_hash" text NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"ended_at" timestamp with time zone,
	CONSTRAINT "page_sessions_project_id_id_pk" PRIMARY KEY("project_id","id")
);
--> statement-breakpoint
CREATE INDEX "page_sessions_secret_hash" ON "page_sessions" USING btree ("secret_hash");