/** The tables of what people keep for the page. `schema.ts` has the others. */
import { pgTable, primaryKey, text, timestamp, uniqueIndex, uuid } from "drizzle-orm/pg-core";

const at = (name: string) => timestamp(name, { withTimezone: true });

/** Saved views: a name for a question that the page asks. */
export const views = pgTable(
  "views",
  {
    projectId: uuid("project_id").notNull(),
    id: uuid("id").notNull(),
    name: text("name").notNull(),
    /** The page's own path with its query. */
    path: text("path").notNull(),
    createdAt: at("created_at").notNull().defaultNow(),
    updatedAt: at("updated_at").notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.id] }), uniqueIndex("views_name").on(t.projectId, t.name)],
);
