/**
 * Remembers the questions that query strings ask. Pages and dashboards ask the same ones again and again, and to read one
 * takes as long as to find its answer in the cache.
 */
import { sha256Hex } from "../digest.ts";
import { HOUR_MS } from "../time.ts";
import { parseSummaryQuery, type SummaryQuery } from "./query.ts";
import type { Zones } from "./zone.ts";

export interface Question {
  query: SummaryQuery;
  /** Of the question in its canonical form. */
  digest: string;
}

export interface Questions {
  /**
   * @param queryString without a question mark.
   * @throws ApiError 400 that names the wrong parameter.
   */
  read(queryString: string, nowMs: number): Question;
}

/** These bound the memory. */
const MOST = 1_000;
const LONGEST = 1_000;

export function createQuestions(zones: Zones): Questions {
  const questions = new Map<string, Question>();
  let hour = -1;

  function parse(queryString: string, nowMs: number): Question {
    const query = parseSummaryQuery(new URLSearchParams(queryString), nowMs, zones);
    return { query, digest: sha256Hex(JSON.stringify({ ...query, zone: query.zone.name })) };
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
