/** The table of people who are signed in on the page. `schema.ts` has the others. */
import { index, pgTable, primaryKey, text, timestamp, uuid } from "drizzle-orm/pg-core";

const at = (name: string) => timestamp(name, { withTimezone: true });

/** Sessions of the page. Sessions of callers are a column of `traces`. */
export const pageSessions = pgTable(
  "page_sessions",
  {
    /** All zeros for a session of the admin key. */
    projectId: uuid("project_id").notNull(),
    id: uuid("id").notNull(),
    /** The API key that signed in. Null for the admin key. */
    keyId: uuid("key_id"),
    /** The SHA-256 of the cookie's value. The value itself is not stored. */
    secretHash: text("secret_hash").notNull(),
    createdAt: at("created_at").notNull(),
    expiresAt: at("expires_at").notNull(),
    /** When it was signed out of. */
    endedAt: at("ended_at"),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.id] }), index("page_sessions_secret_hash").on(t.secretHash)],
);
