CREATE TABLE "doubles" (
	"project_id" uuid NOT NULL,
	"first" uuid NOT NULL,
	"second" uuid NOT NULL,
	"verdict" text NOT NULL,
	"decided_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "doubles_project_id_first_second_pk" PRIMARY KEY("project_id","first","second")
);
