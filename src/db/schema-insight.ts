/** What the ledger remembers of the database itself. */
import { bigint, date, jsonb, pgTable, timestamp } from "drizzle-orm/pg-core";

/** The sizes of the database and of its tables, in bytes, once a day. They belong to no project. */
export const sizeSamples = pgTable("size_samples", {
  /** UTC. */
  day: date("day").primaryKey(),
  sampledAt: timestamp("sampled_at", { withTimezone: true }).notNull(),
  databaseBytes: bigint("database_bytes", { mode: "number" }).notNull(),
  /** By the table's name, with its partitions, indexes and TOAST. */
  tables: jsonb("tables").$type<Record<string, number>>().notNull(),
});
