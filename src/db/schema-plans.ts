/** The plans that people have seats in. `schema.ts` has the other tables. */
import { bigint, pgTable, primaryKey, text, timestamp, uuid } from "drizzle-orm/pg-core";

const at = (name: string) => timestamp(name, { withTimezone: true });

/** Rows are added and deleted, and never updated, except to take an erased user off. */
export const plans = pgTable(
  "plans",
  {
    projectId: uuid("project_id").notNull(),
    id: uuid("id").notNull(),
    name: text("name").notNull(),
    /** The price of one seat for one period, in pico-USD. */
    seatPico: bigint("seat_pico", { mode: "bigint" }).notNull(),
    period: text("period").$type<"month" | "year">().notNull(),
    /** Starts of UTC days. */
    startsAt: at("starts_at").notNull(),
    endsAt: at("ends_at"),
    /** The people who have a seat, as calls name them, in order. */
    users: text("users").array().notNull(),
    createdAt: at("created_at").notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.id] })],
);
