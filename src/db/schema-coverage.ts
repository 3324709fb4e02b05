/** The table of what agents themselves say that they used. `schema.ts` has the others. */
import { sql } from "drizzle-orm";
import { bigint, boolean, date, index, integer, pgTable, primaryKey, text, timestamp, uuid } from "drizzle-orm/pg-core";

const at = (name: string) => timestamp(name, { withTimezone: true });

/**
 * A series of an agent's own counters on one UTC day (`coverage/store.ts`). It is compared with the calls, and never
 * counts as one. It has no personal text: who sent it is told apart by digests.
 */
export const reportedUsage = pgTable(
  "reported_usage",
  {
    projectId: uuid("project_id").notNull(),
    /** A digest of all that tells the series from others. A counter that ran on has the same one on each day. */
    series: uuid("series").notNull(),
    day: date("day").notNull(),
    emitter: text("emitter").notNull(),
    application: text("application").notNull(),
    /** What it counts, with `+` between: `input+cache_read`. */
    measures: text("measures").notNull(),
    /** Since when the counter of a cumulative series runs. Null if the series has differences. */
    runsSince: at("runs_since"),
    /** A digest of the session, and one of the installation, if they were named. */
    session: uuid("session"),
    instance: uuid("instance"),
    firstAt: at("first_at").notNull(),
    lastAt: at("last_at").notNull(),
    /** Digests of the differences, so that none adds up twice. A cumulative series has one entry. */
    points: bigint("points", { mode: "bigint" })
      .array()
      .notNull()
      .default(sql`'{}'`),
    /** Tokens, or pico-USD: each difference, or the highest value of the counter. */
    amounts: bigint("amounts", { mode: "bigint" })
      .array()
      .notNull()
      .default(sql`'{}'`),
    /** True if the counter was lower than before. Of differences those below 0 are among the amounts. */
    wentBack: boolean("went_back").notNull().default(false),
    /** How many points did not fit. */
    leftOut: integer("left_out").notNull().default(0),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.series, t.day] }), index("reported_usage_day").on(t.projectId, t.day)],
);
