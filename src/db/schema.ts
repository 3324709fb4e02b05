/**
 * The tables of the database. Every unique key starts with the project, so that the schema can be distributed by it.
 * The table `traces` holds the calls. It is partitioned by month on its time-ordered id, which only the migrations
 * declare, because Drizzle cannot.
 */
import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  check,
  customType,
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
import { COUNT_FIELDS, COUNT_NAMES, type CostIs } from "../ledger/call.ts";
import type { CoveredBy } from "../ledger/covered-by.ts";
import {
  CORRECTED_MEASURES,
  COUNTED_DIMENSIONS,
  type Dimension,
  DIMENSIONS,
  type Measure,
  MEASURES,
} from "../ledger/measures.ts";

const at = (name: string) => timestamp(name, { withTimezone: true });
const pico = (name: string) => bigint(name, { mode: "bigint" });

export const projects = pgTable("projects", {
  id: uuid("id").primaryKey(),
  name: text("name").notNull(),
  createdAt: at("created_at").notNull().defaultNow(),
  /** Set if a write could not move the project's cache epoch. Cron moves it and clears this. */
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
    /** The SHA-256 of the key. The key itself is shown once and not stored. */
    keyHash: text("key_hash").notNull(),
    createdAt: at("created_at").notNull().defaultNow(),
    revokedAt: at("revoked_at"),
    /** From then on the key is refused. Null if it never expires. */
    expiresAt: at("expires_at"),
    /** Up to a minute behind. */
    lastUsedAt: at("last_used_at"),
    /** The key that took its place when it was rotated. */
    replacedBy: uuid("replaced_by"),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.id] }), index("api_keys_key_hash").on(t.keyHash)],
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
    /** True for a span around calls that repeats their usage. It is billable only if no call is found below it. */
    wrapper: boolean("wrapper").notNull().default(false),
    /** True for a call that another call of its trace stands for: one above or below it, of the same kind. */
    nested: boolean("nested").notNull().default(false),
    status: text("status").notNull(),
    application: text("application").notNull(),
    environment: text("environment").notNull(),
    provider: text("provider").notNull(),
    model: text("model").notNull(),
    operation: text("operation").notNull(),
    serviceTier: text("service_tier"),
    requestModel: text("request_model"),
    /** The provider as it was sent, where that is another name than `provider`. */
    requestProvider: text("request_provider"),
    /** Names of members of the provider's usage object that no rule reads. */
    unknownUsageMembers: text("unknown_usage_members").array(),
    clientId: text("client_id").notNull(),
    traceId: text("trace_id"),
    spanId: text("span_id"),
    parentId: text("parent_id"),
    responseId: text("response_id"),
    /** Other texts by which reports of the same call may be known. */
    otherIds: text("other_ids").array(),
    userId: text("user_id"),
    sessionId: text("session_id"),
    tags: jsonb("tags").$type<Record<string, string>>(),
    /** What its own report lacks of these and of `request_model`, by name, and the id of the report that it is from. */
    filled: jsonb("filled").$type<Record<string, string>>(),
    errorType: text("error_type"),
    unpricedReason: text("unpriced_reason"),
    rule: text("rule").notNull(),
    usageSemantics: text("usage_semantics").notNull(),
    /** How the cost compares with the true one, by what the emitter leaves out. Null in calls of before. */
    costIs: text("cost_is").$type<CostIs>(),
    /** `plan` or `unknown`. Null if the API's own account pays. */
    coveredBy: text("covered_by").$type<CoveredBy>(),
  },
  (t) => [
    primaryKey({ columns: [t.projectId, t.id] }),
    index("traces_trace_id")
      .on(t.projectId, t.traceId)
      .where(sql`trace_id is not null`),
  ],
);

/**
 * The links between calls: OpenTelemetry spans that are not calls themselves. They are kept for a week. They join calls
 * to the spans above them, which may come later and may carry the calls' user, session and tags.
 */
export const spans = pgTable(
  "spans",
  {
    projectId: uuid("project_id").notNull(),
    traceId: text("trace_id").notNull(),
    spanId: text("span_id").notNull(),
    parentId: text("parent_id"),
    startedAt: at("started_at").notNull(),
    /** True if its attributes mark a span around calls (an agent, a tool). It has no usage of its own. */
    wrapper: boolean("wrapper").notNull(),
    userId: text("user_id"),
    sessionId: text("session_id"),
    tags: jsonb("tags").$type<Record<string, string>>(),
    receivedAt: at("received_at").notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.traceId, t.spanId] })],
);

/** A set of times in epoch ms. */
const times = customType<{ data: string }>({ dataType: () => "int8multirange" });

/** The sightings of each provider response: the calls that report it. Of those in one chain one is billed. */
export const responses = pgTable(
  "responses",
  {
    projectId: uuid("project_id").notNull(),
    /** A digest of the provider's response id. */
    response: uuid("response").notNull(),
    /** Of the first write of the response. Only Workers of an older version read these three. */
    holder: uuid("holder"),
    detail: smallint("detail").notNull(),
    weight: bigint("weight", { mode: "number" }).notNull().default(0),
    /** The ids of the calls that report the response, without those of `crowds`. */
    sightings: uuid("sightings").array().notNull(),
    /** The other ids of these calls. Rows that name each other are of one call. */
    also: uuid("also")
      .array()
      .notNull()
      .default(sql`'{}'`),
    /** The chains with too many sightings to be of one response, each up to an hour after its last one began. */
    crowds: times("crowds")
      .notNull()
      .default(sql`'{}'`),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.response] })],
);

/** Wrappers without a call below them, until their grace time is over. Deferred traces are here too, due at once. */
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
 * Mergeable sums. There is no unique key: any number of rows may stand for one group, and readers add them up. `label`
 * holds the row's family (`rollup/families.ts`). If the family is that of a label, `value` holds the label's value.
 */
export const rollup = pgTable(
  "rollup",
  {
    projectId: uuid("project_id").notNull(),
    /** Start of the hour (levels partial and hour), of the UTC day (level day) or of its week's Monday (level week). */
    bucket: at("bucket").notNull(),
    level: smallint("level").notNull(),
    ...Object.fromEntries(DIMENSIONS.map((name) => [name, dimension(name)])),
    ...measureColumns(),
    label: text("label").notNull(),
    value: text("value").notNull(),
    user_id: text("user_id"),
    tags: jsonb("tags").$type<Record<string, string>>(),
    /** Histogram bins, and the number of calls in each. If the counts are null, each bin has one call. */
    latency_buckets: smallint("latency_buckets").array(),
    latency_counts: integer("latency_counts").array(),
    /** See `FORMAT`. */
    format: smallint("format"),
  },
  (t) => [
    index("rollup_lookup").on(t.level, t.projectId, t.label, t.bucket, t.value),
    check("rollup_merged_whole", sql`level = 0 or coalesce(format, 0) >= 5`),
  ],
);

/** What rollups lost or got for calls that had been counted before (`rollup/corrections.ts`). Rows of a group add up. */
export const corrections = pgTable(
  "corrections",
  {
    projectId: uuid("project_id").notNull(),
    ...Object.fromEntries(COUNTED_DIMENSIONS.map((name) => [name, text(name).notNull()])),
    ...Object.fromEntries(
      CORRECTED_MEASURES.map(({ name, type }) => [
        name,
        (type === "bigint" ? bigint(name, { mode: "number" }) : numeric(name)).notNull(),
      ]),
    ),
    /** The cost that was added, and the cost that was taken. Neither is negative. */
    costAddedPico: numeric("cost_added_pico").notNull(),
    costTakenPico: numeric("cost_taken_pico").notNull(),
    latency_buckets: smallint("latency_buckets").array(),
    latency_counts: integer("latency_counts").array(),
  },
  (t) => [index("corrections_project").on(t.projectId)],
);

/** Label days with too many values. Calls with a further value are merged into `(other)` (`rollup/crowded.ts`). */
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

/** Messages of the queue that could not be stored. They are kept until they are replayed or deleted. */
export const deadLetters = pgTable(
  "dead_letters",
  {
    /** All zeros if the message names no project. */
    projectId: uuid("project_id").notNull(),
    /** The queue's id of the message. */
    id: text("id").notNull(),
    body: text("body").notNull(),
    diedAt: at("died_at").notNull().defaultNow(),
    /** The time of the last replay that failed, or `died_at` if there was none. */
    triedAt: at("tried_at").notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.id] })],
);

/**
 * One row with the retention bounds: the start of the calls and of the hour rows that are kept. A bound moves first,
 * then the rows before it are removed. The bounds hold for all projects, because all projects share the partitions.
 */
export const retention = pgTable("retention", {
  rawSince: at("raw_since")
    .notNull()
    .default(sql`'epoch'`),
  /** Everything before this is removed. */
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

/** A Worker of an older version leaves the newest one out. */
function dimension(name: Dimension) {
  return name === "covered_by" ? text(name).notNull().default("") : text(name).notNull();
}

function measureColumns() {
  const column = ({ name, type }: Measure) => (type === "bigint" ? bigint(name, { mode: "number" }) : numeric(name));
  return Object.fromEntries(
    MEASURES.map((measure) => [
      measure.name,
      measure.name === "requests" ? column(measure).notNull() : column(measure),
    ]),
  );
}
