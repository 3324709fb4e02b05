/**
 * Answers JSON from the cache or the database, with an ETag and with a header that tells the source.
 */
import { gunzipSync } from "node:zlib";
import type { z } from "zod";
import { type AppContext, type Deps, keepAliveOf } from "./context.ts";
import { json, type Operation } from "./operation.ts";

export interface Question {
  /** Of the route and its parameters in one canonical form. */
  digest: string;
  /** The latest end of the periods asked about, epoch ms. A range that is over is cached for longer. */
  toMs: number;
}

/** Request headers that a cached answer obeys. */
export const CACHE_HEADERS = {
  "If-None-Match": "The `ETag` of an earlier answer. If that answer still holds, the status is 304.",
  "Cache-Control": "With `no-cache` the answer comes from the database.",
};

const SENT = {
  ETag: "Identifies the answer without its `as_of`.",
  "X-Cache": "The cache's state: `hit`, `miss`, `bypass`, or `down` if the cache did not answer or took no writes.",
  "Cache-Control": "`private, no-cache`",
  "Server-Timing": "The cache's state, and milliseconds in the database, in Redis and in total.",
};

export function cachedAnswers(schema: z.ZodType): Operation["answers"] {
  return {
    200: { description: "The answer as of `as_of`.", headers: SENT, content: json(schema) },
    304: { description: "The answer with the `ETag` of `If-None-Match` still holds.", headers: SENT },
  };
}

/** @param compute asks the database; its answer has an `as_of`. */
export async function answerCached(
  c: AppContext,
  deps: Deps,
  { digest: question, toMs }: Question,
  beganMs: number,
  compute: () => Promise<unknown>,
): Promise<Response> {
  const { body, digest, state } = await deps.cache.answer(
    {
      projectId: c.get("caller").projectId,
      question,
      toMs,
      bypass: /\bno-cache\b/i.test(c.req.header("cache-control") ?? ""),
    },
    beganMs,
    async () => JSON.stringify(await compute()),
    keepAliveOf(c),
  );

  const etag = `"${digest}"`;
  c.get("noted").cache = state;
  c.header("X-Cache", state);
  c.header("ETag", etag);
  c.header("Cache-Control", "private, no-cache");
  if (matches(c.req.header("if-none-match"), etag)) return c.body(null, 304);
  c.header("Content-Type", "application/json");
  if (typeof body === "string") return c.body(body, 200);
  c.header("Vary", "Accept-Encoding");
  if (!takesGzip(acceptEncodingOf(c))) return c.body(Uint8Array.from(gunzipSync(body)), 200);
  c.header("Content-Encoding", "gzip");
  // Otherwise the runtime would compress it once more.
  return new Response(body, { headers: c.res.headers, encodeBody: "manual" });
}

/** What the caller accepts. Cloudflare puts what it accepts itself into the header, and the caller's own into `cf`. */
function acceptEncodingOf(c: AppContext): string | undefined {
  const { clientAcceptEncoding } = (c.req.raw.cf ?? {}) as { clientAcceptEncoding?: string | null };
  return clientAcceptEncoding ?? c.req.header("accept-encoding");
}

function takesGzip(acceptEncoding = ""): boolean {
  const weights = new Map(
    acceptEncoding
      .toLowerCase()
      .split(",")
      .map((coding) => {
        const [name = "", weight = ""] = coding.split(";");
        return [name.trim(), Number(/^\s*q=(.*)$/.exec(weight)?.[1] ?? 1)];
      }),
  );
  return (weights.get("gzip") ?? weights.get("*") ?? 0) > 0;
}

function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  return (ifNoneMatch ?? "").split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag || tag.trim() === "*");
}
