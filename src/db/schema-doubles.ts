/** The table of what people said of calls that look like one. `schema.ts` has the others. */
import { pgTable, primaryKey, text, timestamp, uuid } from "drizzle-orm/pg-core";

/** Verdicts on pairs of calls, the lower id first. */
export const doubles = pgTable(
  "doubles",
  {
    projectId: uuid("project_id").notNull(),
    first: uuid("first").notNull(),
    second: uuid("second").notNull(),
    /** `same` or `different`. */
    verdict: text("verdict").notNull(),
    decidedAt: timestamp("decided_at", { withTimezone: true }).notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.first, t.second] })],
);
