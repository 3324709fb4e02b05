CREATE TABLE "size_samples" (
	"day" date PRIMARY KEY NOT NULL,
	"sampled_at" timestamp with time zone NOT NULL,
	"database_bytes" bigint NOT NULL,
	"tables" jsonb NOT NULL
);
