/**
 * Remembers the questions that query strings ask. Pages and dashboards ask the same ones again and again, and to read one
 * takes as long as to find its answer in the cache.
 */
import type { Bound } from "../db/client.ts";
import { sha256Hex } from "../digest.ts";
import { HOUR_MS } from "../time.ts";
import { parseSummaryQuery, type SummaryQuery } from "./query.ts";
import type { Compile } from "./summarize.ts";
import type { Zones } from "./zone.ts";

export interface Question {
  query: SummaryQuery;
  /** Of the question in its canonical form. */
  digest: string;
  /** Remembers its statements. */
  compile: Compile;
}

export interface Questions {
  /**
   * @param queryString without a question mark.
   * @throws ApiError 400 that names the wrong parameter.
   */
  read(queryString: string, nowMs: number): Question;
}

// These bound the memory, the last two in characters.
const MOST = 1_000;
const MOST_STATEMENTS = 100;
const LONGEST = 1_000;
const LONGEST_STATEMENT = 20_000;

export function createQuestions(zones: Zones): Questions {
  const questions = new Map<string, Question>();
  const statements = new Map<string, Bound>();
  let hour = -1;

  function compile(key: string, compiled: () => Bound): Bound {
    const known = statements.get(key);
    if (known !== undefined) return known;
    const made = compiled();
    if (statements.size >= MOST_STATEMENTS) statements.clear();
    if (key.length + sizeOf(made) <= LONGEST_STATEMENT) statements.set(key, made);
    return made;
  }

  function parse(queryString: string, nowMs: number): Question {
    const query = parseSummaryQuery(new URLSearchParams(queryString), nowMs, zones);
    const digest = sha256Hex(JSON.stringify({ ...query, zone: query.zone.name }));
    return { query, digest, compile: (dependsOn, compiled) => compile(digest + dependsOn, compiled) };
  }

  return {
    read(queryString, nowMs) {
      // A question without `to` is another one in the next hour.
      const now = Math.floor(nowMs / HOUR_MS);
      if (now !== hour || questions.size >= MOST) questions.clear();
      hour = now;
      const known = questions.get(queryString);
      if (known !== undefined) return known;
      const question = parse(queryString, nowMs);
      if (queryString.length <= LONGEST) questions.set(queryString, question);
      return question;
    },
  };
}

function sizeOf({ statement, values }: Bound): number {
  return values.reduce<number>((sum, value) => sum + String(value).length, statement.text.length);
}
