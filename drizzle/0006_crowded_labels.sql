CREATE TABLE "crowded_labels" (
	"project_id" uuid NOT NULL,
	"label" text NOT NULL,
	"day" timestamp with time zone NOT NULL,
	CONSTRAINT "crowded_labels_project_id_label_day_pk" PRIMARY KEY("project_id","label","day")
);
