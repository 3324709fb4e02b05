/** Summaries that the benchmarks ask, and what they take in the database itself. */
import type pg from "pg";
import type { Database } from "../../src/db/client.ts";
import { render } from "../../src/db/render.ts";
import { parseSummaryQuery, type SummaryQuery } from "../../src/summary/query.ts";
import type { Summary } from "../../src/summary/shown.ts";
import { summarize } from "../../src/summary/summarize.ts";
import { DAY_MS } from "../../src/time.ts";
import { DAYS, type History } from "./history.ts";

export interface Question {
  id: string;
  name: string;
  query(history: Pick<History, "endMs">): SummaryQuery;
  ask(db: Database, history: History): Promise<Summary>;
}

/** About the last `days` of the history; it may begin later and end earlier. */
function question(id: string, name: string, query: string, days = DAYS, laterMs = 0, earlierMs = 0): Question {
  const parsed: Question["query"] = ({ endMs }) => parse(query, endMs - days * DAY_MS + laterMs, endMs - earlierMs);
  return {
    id,
    name,
    query: parsed,
    ask: (db, history) => {
      const about = parsed(history);
      return summarize(db, history.projectId, about, about.toMs);
    },
  };
}

/** What is asked most, and what other figures are compared with. */
export const BY_MODEL = question("by_model", "by model", "group_by=provider,model");
export const WITH_LATENCY = question("by_model_latency", "by model, with latency", "group_by=model&include=latency");

export const QUESTIONS: readonly Question[] = [
  question("totals", "totals", ""),
  question("by_application", "by application", "group_by=application"),
  BY_MODEL,
  question("fine", "by application, environment, model", "group_by=application,environment,model"),
  question("by_model_day", "by model and day", "group_by=model&interval=day"),
  question("by_model_hour_7", "by model and hour, 7 days", "group_by=model&interval=hour", 7),
  question("by_model_hour_30", "by model and hour, 30 days", "group_by=model&interval=hour", 30),
  WITH_LATENCY,
  question("berlin", "by application, days of Berlin", "group_by=application&interval=day&tz=Europe/Berlin"),
  question("ragged", "ragged edges, by application and model", "group_by=application,model", DAYS, 754_321, 1_234_567),
];

/** What is asked of calls with users and tags. */
export const LABEL_QUESTIONS: readonly Question[] = [
  question("by_user_30", "by user, 30 days", "group_by=user", 30),
  question("by_tag_day", "by tag and day", "group_by=tag.feature&interval=day"),
  question("one_user", "days of one user", "user=user-7&interval=day"),
];

export function ask(
  db: Database,
  { projectId }: Pick<History, "projectId">,
  query: string,
  fromMs: number,
  toMs: number,
): Promise<Summary> {
  return summarize(db, projectId, parse(query, fromMs, toMs), toMs);
}

function parse(query: string, fromMs: number, toMs: number): SummaryQuery {
  return parseSummaryQuery(new URLSearchParams(`from=${fromMs}&to=${toMs}&${query}`), toMs);
}

/** What a summary's statement takes in the database: planning, execution and the answer's text, in ms. */
export async function inDatabase(pool: pg.Pool, { ask }: Question, history: History): Promise<number> {
  const unused = (): never => {
    throw new Error("a summary is one query");
  };
  let ms = 0;
  const database: Database = {
    ping: unused,
    run: unused,
    // With ragged edges it asks afterwards, in the same transaction, whether the calls are kept.
    async batch([query]) {
      const { text, values } = "statement" in query! ? { ...query.statement, values: query.values } : render(query!);
      ms = await explained(pool, text, values);
      return [[]];
    },
    query: unused,
  };
  await ask(database, history);
  return ms;
}

/** The plan has no clock in each of its nodes: those would be counted too. */
export async function explained(pool: pg.Pool, text: string, params: readonly unknown[]): Promise<number> {
  const { rows } = await pool.query(`explain (analyze, timing off, serialize text, format json) ${text}`, [...params]);
  const [plan] = rows[0]["QUERY PLAN"] as [{ "Planning Time": number; "Execution Time": number }];
  return plan["Planning Time"] + plan["Execution Time"];
}
