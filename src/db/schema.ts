/**
 * The database. Every unique key starts with the project, so that the schema can be distributed by
 * it. `traces` is partitioned by month on its time-ordered id; the migrations say so in plain SQL,
 * because Drizzle has no word for it.
 */
import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uuid,
} from "drizzle-orm/pg-core";
import { COUNT_FIELDS, COUNT_NAMES } from "../ingest/trace.ts";
import { BUCKETS } from "../pricing/buckets.ts";
import { DIMENSIONS, type Measure, MEASURES } from "../rollup/measures.ts";

const at = (name: string) => timestamp(name, { withTimezone: true });
const pico = (name: string) => bigint(name, { mode: "bigint" });

export const projects = pgTable("projects", {
  id: uuid("id").primaryKey(),
  name: text("name").notNull(),
  createdAt: at("created_at").notNull().defaultNow(),
  /** Set when a write could not move the project's cache epoch; cron moves it and clears this. */
  epochMoveDueAt: at("epoch_move_due_at"),
});

export const apiKeys = pgTable(
  "api_keys",
  {
    projectId: uuid("project_id")
      .notNull()
      .references(() => projects.id),
    id: uuid("id").notNull(),
    name: text("name").notNull(),
    scopes: text("scopes").array().notNull(),
    /** SHA-256 of the key; the key itself is shown once and kept nowhere. */
    keyHash: text("key_hash").notNull(),
    createdAt: at("created_at").notNull().defaultNow(),
    revokedAt: at("revoked_at"),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.id] }), index("api_keys_key_hash").on(t.keyHash)],
);

/** Every list of unit prices (pico-USD per token, call or search) that a trace was priced with. */
export const prices = pgTable(
  "prices",
  {
    projectId: uuid("project_id").notNull(),
    id: uuid("id").notNull(),
    source: text("source").notNull(),
    version: text("version").notNull(),
    provider: text("provider").notNull(),
    model: text("model").notNull(),
    ...Object.fromEntries(BUCKETS.map((bucket) => [`${bucket}_pico`, pico(`${bucket}_pico`)])),
    createdAt: at("created_at").notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.id] })],
);

/** A custom price for every project belongs to none. */
export const NO_PROJECT_ID = "00000000-0000-0000-0000-000000000000";

/** What callers say that models cost. Append-only: rows are never updated or deleted. */
export const customPrices = pgTable(
  "custom_prices",
  {
    projectId: uuid("project_id").notNull(),
    id: uuid("id").notNull(),
    /** Null covers any. */
    provider: text("provider"),
    /** The whole name, or what it begins with: `match` says which. */
    model: text("model").notNull(),
    match: text("match").$type<"exact" | "prefix">().notNull(),
    /** Null covers any. */
    serviceTier: text("service_tier"),
    startsAt: at("starts_at").notNull(),
    endsAt: at("ends_at"),
    /** Pico-USD per token, call or search; all null where another price is taken. */
    ...Object.fromEntries(BUCKETS.map((bucket) => [`${bucket}_pico`, pico(`${bucket}_pico`)])),
    factor: numeric("factor"),
    sameAsProvider: text("same_as_provider"),
    sameAsModel: text("same_as_model"),
    createdAt: at("created_at").notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.id] })],
);

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
    differencePico: numeric("difference_pico").notNull().default("0"),
    createdAt: at("created_at").notNull().defaultNow(),
    doneAt: at("done_at"),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.id] })],
);

export const traces = pgTable(
  "traces",
  {
    projectId: uuid("project_id").notNull(),
    id: uuid("id").notNull(),
    startedAt: at("started_at").notNull(),
    receivedAt: at("received_at").notNull().defaultNow(),
    durationUs: bigint("duration_us", { mode: "number" }),
    ...Object.fromEntries(COUNT_FIELDS.map((field) => [field, integer(COUNT_NAMES[field])])),
    costPico: pico("cost_pico"),
    recordedCostPico: pico("recorded_cost_pico"),
    reportedCostPico: pico("reported_cost_pico"),
    priceId: uuid("price_id"),
    billable: boolean("billable").notNull(),
    /** A span around calls, that restates what they cost; billable only when no call is found below it. */
    wrapper: boolean("wrapper").notNull().default(false),
    /** A call that another span of its trace reports better: one above or below it, of the same kind. */
    nested: boolean("nested").notNull().default(false),
    status: text("status").notNull(),
    application: text("application").notNull(),
    environment: text("environment").notNull(),
    provider: text("provider").notNull(),
    model: text("model").notNull(),
    operation: text("operation").notNull(),
    serviceTier: text("service_tier"),
    requestModel: text("request_model"),
    clientId: text("client_id").notNull(),
    traceId: text("trace_id"),
    spanId: text("span_id"),
    parentId: text("parent_id"),
    responseId: text("response_id"),
    userId: text("user_id"),
    sessionId: text("session_id"),
    tags: jsonb("tags").$type<Record<string, string>>(),
    errorType: text("error_type"),
    unpricedReason: text("unpriced_reason"),
    rule: text("rule").notNull(),
    usageSemantics: text("usage_semantics").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.projectId, t.id] }),
    index("traces_trace_id")
      .on(t.projectId, t.traceId)
      .where(sql`trace_id is not null`),
  ],
);

/**
 * Spans that are no calls themselves, for a week: they join calls to the spans above them, which may say whose they are
 * and come later.
 */
export const spans = pgTable(
  "spans",
  {
    projectId: uuid("project_id").notNull(),
    traceId: text("trace_id").notNull(),
    spanId: text("span_id").notNull(),
    parentId: text("parent_id"),
    startedAt: at("started_at").notNull(),
    /** Around calls, though without usage of its own: an agent, a tool. */
    wrapper: boolean("wrapper").notNull(),
    userId: text("user_id"),
    sessionId: text("session_id"),
    tags: jsonb("tags").$type<Record<string, string>>(),
    receivedAt: at("received_at").notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.traceId, t.spanId] })],
);

/** Which traces tell of one provider response; only the holder among them is billed. */
export const responses = pgTable(
  "responses",
  {
    projectId: uuid("project_id").notNull(),
    /** A digest of the provider's response id. */
    response: uuid("response").notNull(),
    /** Null where an id comes too often to be that of one response: then all that have it count. */
    holder: uuid("holder"),
    /** How much the holder tells of what is priced; 0 where it does not know its tokens. */
    detail: smallint("detail").notNull(),
    /** The ids of all traces that tell of it, the holder's among them. */
    sightings: uuid("sightings").array().notNull(),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.response] })],
);

/** Wrappers without a call below them, until it is time to decide that none will come. */
export const heldWrappers = pgTable(
  "held_wrappers",
  {
    projectId: uuid("project_id").notNull(),
    id: uuid("id").notNull(),
    traceId: text("trace_id").notNull(),
    dueAt: at("due_at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.id] })],
);

/**
 * Mergeable sums. No unique key: any number of rows may stand for one group, readers add them up.
 * `label` is `''` for the main rollup, else `user` or `tag.<key>` with the label's `value`; or `*` for a partial row
 * that is not spread over its `user_id` and `tags` yet.
 */
export const rollup = pgTable(
  "rollup",
  {
    projectId: uuid("project_id").notNull(),
    /** Start of the hour (levels partial and hour), of the UTC day (level day) or of its week's Monday (level week). */
    bucket: at("bucket").notNull(),
    level: smallint("level").notNull(),
    ...Object.fromEntries(DIMENSIONS.map((name) => [name, text(name).notNull()])),
    ...measureColumns(),
    label: text("label").notNull(),
    value: text("value").notNull(),
    user_id: text("user_id"),
    tags: jsonb("tags").$type<Record<string, string>>(),
    /** Histogram buckets, and the calls in each; counts of null mean one call each. */
    latency_buckets: smallint("latency_buckets").array(),
    latency_counts: integer("latency_counts").array(),
    /** Of all but partial rows: see `FORMAT`. */
    format: smallint("format"),
  },
  (t) => [
    index("rollup_lookup").on(t.level, t.projectId, t.label, t.bucket, t.value),
    check("rollup_merged_whole", sql`level = 0 or coalesce(format, 0) >= 2`),
  ],
);

/** Labels with so many values on a day that new ones are no longer told apart: they are merged into `(other)`. */
export const crowdedLabels = pgTable(
  "crowded_labels",
  {
    projectId: uuid("project_id").notNull(),
    label: text("label").notNull(),
    /** Start of the UTC day. */
    day: at("day").notNull(),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.label, t.day] })],
);

/** Messages of the queue that could not be stored, until they are replayed. */
export const deadLetters = pgTable(
  "dead_letters",
  {
    /** All zeros where the message names none. */
    projectId: uuid("project_id").notNull(),
    /** The queue's id of the message. */
    id: text("id").notNull(),
    body: text("body").notNull(),
    diedAt: at("died_at").notNull().defaultNow(),
    /** When it died, or was last replayed without success. */
    triedAt: at("tried_at").notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.id] })],
);
/**
 * One row: from when on calls, and hours, are kept. A bound moves first; what lies before it is removed after. One for
 * all projects, as the partitions are.
 */
export const retention = pgTable("retention", {
  rawSince: at("raw_since")
    .notNull()
    .default(sql`'epoch'`),
  /** What lies before it is removed. */
  rawRemoved: at("raw_removed")
    .notNull()
    .default(sql`'epoch'`),
  hourSince: at("hour_since")
    .notNull()
    .default(sql`'epoch'`),
  hourRemoved: at("hour_removed")
    .notNull()
    .default(sql`'epoch'`),
});

function measureColumns() {
  const column = ({ name, type }: Measure) => (type === "bigint" ? bigint(name, { mode: "number" }) : numeric(name));
  return Object.fromEntries(
    MEASURES.map((measure) => [
      measure.name,
      measure.name === "requests" ? column(measure).notNull() : column(measure),
    ]),
  );
}
