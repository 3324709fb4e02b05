/** An answer in JSON from the cache or computed, with an ETag, and with headers that say where it and the time came from. */
import type { z } from "zod";
import { sha256Hex } from "../digest.ts";
import { type AppContext, type Deps, keepAliveOf } from "./context.ts";
import { json, type Operation } from "./operation.ts";

export interface Question {
  /** The route and all that was asked, in one canonical form. */
  canonical: unknown;
  /** The latest end of what was asked about: a range that is over is kept for longer. */
  toMs: number;
}

/** Request headers that such an answer heeds. */
export const CACHE_HEADERS = {
  "If-None-Match": "The `ETag` of an answer that is had already: 304 where it still holds.",
  "Cache-Control": "`no-cache` asks the database.",
};

const SENT = {
  ETag: "Of the answer without its `as_of`.",
  "X-Cache": "Where it is from: `hit`, `miss`, `bypass`, or `down` where the cache did not answer.",
  "Cache-Control": "`private, no-cache`",
  "Server-Timing": "Milliseconds of the database and in all.",
};

export function cachedAnswers(schema: z.ZodType): Operation["answers"] {
  return {
    200: { description: "The answer as of `as_of`.", headers: SENT, content: json(schema) },
    304: { description: "What you have still holds.", headers: SENT },
  };
}

/** @param compute what the answer is, with its `as_of`. */
export async function answerCached(
  c: AppContext,
  deps: Deps,
  { canonical, toMs }: Question,
  beganMs: number,
  compute: () => Promise<unknown>,
): Promise<Response> {
  let databaseMs = 0;
  const { body, digest, state } = await deps.cache.answer(
    {
      projectId: c.get("caller").projectId,
      question: sha256Hex(JSON.stringify(canonical)),
      toMs,
      bypass: /\bno-cache\b/i.test(c.req.header("cache-control") ?? ""),
    },
    beganMs,
    async () => {
      const answer = await compute();
      databaseMs = deps.now() - beganMs;
      return JSON.stringify(answer);
    },
    keepAliveOf(c),
  );

  const etag = `"${digest}"`;
  c.header("X-Cache", state);
  c.header("ETag", etag);
  c.header("Cache-Control", "private, no-cache");
  c.header("Server-Timing", `cache;desc=${state}, db;dur=${databaseMs}, total;dur=${deps.now() - beganMs}`);
  if (matches(c.req.header("if-none-match"), etag)) return c.body(null, 304);
  return c.body(body, 200, { "Content-Type": "application/json" });
}

function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  return (ifNoneMatch ?? "").split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag || tag.trim() === "*");
}
