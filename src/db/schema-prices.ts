/**
 * The tables of prices: those that calls were priced with, those that callers set, and catalogues. `schema.ts` has the
 * others.
 */
import { bigint, jsonb, numeric, pgTable, primaryKey, text, timestamp, uuid } from "drizzle-orm/pg-core";
import { BUCKETS } from "../ledger/buckets.ts";

const at = (name: string) => timestamp(name, { withTimezone: true });
const pico = (name: string) => bigint(name, { mode: "bigint" });

/** Every list of unit prices (pico-USD per token, call or search) that a call was priced with. */
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

/** The project of custom prices that hold for every project. */
export const NO_PROJECT_ID = "00000000-0000-0000-0000-000000000000";

/** The prices that callers set. Rows are only added, never updated or deleted. */
export const customPrices = pgTable(
  "custom_prices",
  {
    projectId: uuid("project_id").notNull(),
    id: uuid("id").notNull(),
    /** Null covers every provider. */
    provider: text("provider"),
    /** The whole name, or its beginning or end, as `match` says. */
    model: text("model").notNull(),
    match: text("match").$type<"exact" | "prefix" | "suffix">().notNull(),
    /** More names, each whole or with a `*` at its start or end. */
    aliases: text("aliases").array(),
    /** Null covers every service tier. */
    serviceTier: text("service_tier"),
    startsAt: at("starts_at").notNull(),
    endsAt: at("ends_at"),
    /** Pico-USD per unit. If the unit prices come from elsewhere, only fees that stand in place of those there. */
    ...Object.fromEntries(BUCKETS.map((bucket) => [`${bucket}_pico`, pico(`${bucket}_pico`)])),
    /** `[{"above": 200000, "unit_pico": {"input": "5000000"}}]`, ascending. */
    steps: jsonb("steps"),
    factor: numeric("factor"),
    /** `{"service_tier": {"batch": "0.5"}, "inference_geo": {"us": "1.1"}}`. */
    multipliers: jsonb("multipliers"),
    sameAsProvider: text("same_as_provider"),
    sameAsModel: text("same_as_model"),
    createdAt: at("created_at").notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.id] })],
);

/** Price catalogues that were fetched or given, for all projects. The one that was stored last prices new calls. */
export const catalogueVersions = pgTable("catalogue_versions", {
  version: text("version").primaryKey(),
  /** The URL or the file that it came from. */
  source: text("source").notNull(),
  /** The providers as JSON. */
  document: text("document").notNull(),
  storedAt: at("stored_at").notNull(),
  /** Null until calls that had no price were looked at again. */
  healedAt: at("healed_at"),
});
