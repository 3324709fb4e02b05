/** The tables of work that goes on over many runs: how far each came. `schema.ts` has the others. */
import {
  bigint,
  index,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";

const at = (name: string) => timestamp(name, { withTimezone: true });

/** Repricing of a range under way or done: how far it came, and what it changed. */
export const repriceJobs = pgTable(
  "reprice_jobs",
  {
    projectId: uuid("project_id").notNull(),
    id: uuid("id").notNull(),
    scope: jsonb("scope").notNull(),
    /** The last trace looked at; null before the first step and after the last. */
    cursor: uuid("cursor"),
    looked: bigint("looked", { mode: "number" }).notNull().default(0),
    restated: bigint("restated", { mode: "number" }).notNull().default(0),
    /** Calls that keep their cost, because the new one is out of range. */
    outOfRange: bigint("out_of_range", { mode: "number" }).notNull().default(0),
    differencePico: numeric("difference_pico").notNull().default("0"),
    /** Of the request that opened it. A second request with this key finds the same job. */
    idempotencyKey: text("idempotency_key"),
    createdAt: at("created_at").notNull().defaultNow(),
    /** The time of the last step, failed or not. Projects take turns by it. */
    steppedAt: at("stepped_at"),
    /** The number of steps that have failed since the last one that did not, and the last one's error. */
    failures: smallint("failures").notNull().default(0),
    error: text("error"),
    /** A failed step is repeated after this time. */
    retryAt: at("retry_at"),
    cancelledAt: at("cancelled_at"),
    doneAt: at("done_at"),
  },
  (t) => [
    primaryKey({ columns: [t.projectId, t.id] }),
    uniqueIndex("reprice_jobs_idempotency_key").on(t.projectId, t.idempotencyKey),
  ],
);

/**
 * UTC days some of whose rollup rows a Worker of an older format made, so that they may lack sums, until they are
 * repaired.
 */
export const daysToRepair = pgTable(
  "days_to_repair",
  {
    projectId: uuid("project_id").notNull(),
    /** Start of the UTC day. */
    day: at("day").notNull(),
    /** When such rows were last found. What was found during a repair needs another. */
    notedAt: at("noted_at").notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.day] })],
);

/** Erasures of users under way or done: how far each came, and what it changed. */
export const erasures = pgTable(
  "erasures",
  {
    projectId: uuid("project_id").notNull(),
    id: uuid("id").notNull(),
    /** Null once it is done, because nothing may name the user then. */
    userId: text("user_id"),
    /** A digest of the project and the user. */
    subject: text("subject").notNull(),
    mode: text("mode").$type<"anonymise" | "remove">().notNull(),
    /** There are two passes of all stages. */
    pass: smallint("pass").notNull().default(1),
    stage: text("stage").notNull().default("links"),
    /** What the stage has looked at last. Null before its first step. */
    cursor: text("cursor"),
    calls: bigint("calls", { mode: "number" }).notNull().default(0),
    links: bigint("links", { mode: "number" }).notNull().default(0),
    deadLetters: bigint("dead_letters", { mode: "number" }).notNull().default(0),
    createdAt: at("created_at").notNull().defaultNow(),
    /** The next step is taken after this time: of the second pass, or after a failure. */
    dueAt: at("due_at"),
    /** The time of the last step, failed or not. Projects take turns by it. */
    steppedAt: at("stepped_at"),
    failures: smallint("failures").notNull().default(0),
    error: text("error"),
    doneAt: at("done_at"),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.id] })],
);

/** What admins did. A trigger refuses to change or delete rows. */
export const adminLog = pgTable(
  "admin_log",
  {
    /** All zeros for an action that is about no single project. */
    projectId: uuid("project_id").notNull(),
    id: uuid("id").notNull(),
    at: at("at").notNull().defaultNow(),
    /** The id of an API key, or `admin key`. */
    actor: text("actor").notNull(),
    action: text("action").notNull(),
    /** The id of what it was done to. For a user a digest. */
    subject: text("subject"),
    requestId: text("request_id").notNull(),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.id] }), index("admin_log_at").on(t.at, t.id)],
);

/**
 * Projects whose calls may still have other names of providers than the canonical ones, and how far that is looked at.
 */
export const relabelJobs = pgTable("relabel_jobs", {
  projectId: uuid("project_id").primaryKey(),
  /** Calls up to this id are looked at. */
  cursor: uuid("cursor").notNull(),
});
