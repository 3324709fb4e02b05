CREATE TABLE "dead_letters" (
	"project_id" uuid NOT NULL,
	"id" text NOT NULL,
	"body" text NOT NULL,
	"died_at" timestamp with time zone DEFAULT now() NOT NULL,
	"tried_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "dead_letters_project_id_id_pk" PRIMARY KEY("project_id","id")
);
