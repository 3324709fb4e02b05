/**
 * Errors on the wire: RFC 9457 problem details, or google.rpc.Status where the request is OTLP.
 * What is not foreseen becomes an opaque 500; its details go to the log alone.
 */
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { z } from "zod";
import { DatabaseUnavailable, Expired } from "../db/client.ts";
import { ApiError, type ErrorCode } from "../errors.ts";
import { MalformedBody, TooManyItems } from "../ingest/decode/otlp-errors.ts";
import { encodeStatus } from "../ingest/decode/otlp-response.ts";
import { Ingested } from "../ingest/ingest.ts";
import { QueueUnavailable } from "../queue/queue.ts";
import { formatInstant } from "../time.ts";
import { id, time } from "../wire.ts";
import type { AppContext } from "./context.ts";

interface ErrorKind {
  status: ContentfulStatusCode;
  /** For people who read the API's description. */
  means: string;
  /** Members of the problem beside those that all have. */
  members?: z.ZodRawShape;
}

const KINDS: Record<ErrorCode, ErrorKind> = {
  invalid_parameter: {
    status: 400,
    means: "A parameter is wrong, unknown or given twice; `parameter` names it.",
    members: { parameter: z.string() },
  },
  invalid_body: { status: 400, means: "The body is malformed, or a member of it is wrong; `detail` names it." },
  all_rejected: {
    status: 400,
    means: "No item of the body could be accepted; `errors` says why, item by item.",
    members: Ingested.shape,
  },
  too_many_rows: {
    status: 400,
    means:
      "The answer would have too many rows: ask for fewer groups or a shorter range; `parameter` names what makes them many.",
    members: { parameter: z.string() },
  },
  too_many_prices: { status: 400, means: "There are as many custom prices as there may be." },
  unauthorized: { status: 401, means: "There is no key, or no such key." },
  forbidden: { status: 403, means: "The key is not for this: it lacks the scope, or is of the other kind." },
  not_found: { status: 404, means: "There is no such thing, or it is another project's." },
  method_not_allowed: { status: 405, means: "The path has other methods; the header `Allow` lists them." },
  price_overlap: {
    status: 409,
    means: "Another price holds for the same model, provider and tier at that time; `price_id` names it.",
    members: { price_id: id },
  },
  body_too_large: { status: 413, means: "More than 8 MB after decompression, or more than 5,000 items." },
  unsupported_media_type: { status: 415, means: "The content type or content encoding is not one that is read." },
  raw_expired: {
    status: 422,
    means: "It needs calls that are kept no longer; those from `since` on are.",
    members: { since: time },
  },
  hours_expired: {
    status: 422,
    means:
      "It needs hours that are kept no longer; those from `since` on are. Of before it can be asked for whole UTC days.",
    members: { since: time },
  },
  database_unavailable: { status: 503, means: "The database did not answer. Try again: nothing is counted twice." },
  queue_unavailable: { status: 503, means: "The queue did not take it. Try again: nothing is counted twice." },
  internal: { status: 500, means: "Something went wrong on our side; `request_id` finds it in the log." },
};

export function kindOf(code: ErrorCode): ErrorKind {
  return KINDS[code];
}

/** RFC 9457 problem details, by code. */
export const PROBLEMS = Object.fromEntries(
  (Object.keys(KINDS) as ErrorCode[]).map((code) => [code, problemSchema(code)]),
) as Record<ErrorCode, z.ZodType>;

function problemSchema(code: ErrorCode): z.ZodType {
  const { status, means, members } = KINDS[code];
  return z
    .object({
      type: z.literal("about:blank"),
      title: z.string(),
      status: z.literal(status),
      detail: z.string().describe("What is wrong, for people."),
      code: z.literal(code),
      request_id: id.describe("As in the header `X-Request-Id`."),
      ...members,
    })
    .meta({ id: `Problem${inPascalCase(code)}`, description: means });
}

/** `not_found` -> `NotFound`. */
export function inPascalCase(code: string): string {
  return code.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** google.rpc.Code by HTTP status. */
const RPC_CODE: Record<number, number> = {
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  405: 12,
  413: 3,
  415: 3,
  422: 9,
  500: 13,
  503: 14,
};

const RETRY_AFTER_SECONDS = "5";

export function answerError(error: Error, c: AppContext): Response {
  const known = toApiError(error);
  const { status } = KINDS[known.code];
  if (status >= 500) logError(error, c.get("requestId"));
  if (status === 401) c.header("WWW-Authenticate", "Bearer");
  if (status === 503) c.header("Retry-After", RETRY_AFTER_SECONDS);

  const otlp = c.get("otlp");
  if (otlp) {
    const type = otlp === "protobuf" ? "application/x-protobuf" : "application/json";
    return c.body(
      encodeStatus(otlp, RPC_CODE[status] ?? 2, known.message) as Uint8Array<ArrayBuffer> | string,
      status,
      { "Content-Type": type },
    );
  }
  const problem = {
    type: "about:blank",
    title: known.code.replaceAll("_", " "),
    status,
    detail: known.message,
    code: known.code,
    request_id: c.get("requestId"),
    ...known.members,
  };
  return c.body(JSON.stringify(problem), status, { "Content-Type": "application/problem+json" });
}

function toApiError(error: Error): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof Expired) return expired(error);
  if (error instanceof MalformedBody) return new ApiError("invalid_body", error.message);
  if (error instanceof TooManyItems) return new ApiError("body_too_large", error.message);
  if (error instanceof DatabaseUnavailable)
    return new ApiError("database_unavailable", "the database did not answer; try again, nothing is counted twice");
  if (error instanceof QueueUnavailable)
    return new ApiError("queue_unavailable", "the queue did not take it; try again, nothing is counted twice");
  if (error instanceof HTTPException && error.status < 500) return new ApiError("invalid_body", error.message);
  return new ApiError("internal", "something went wrong on our side");
}

function expired({ what, sinceMs }: Expired): ApiError {
  const since = formatInstant(sinceMs);
  const before = { raw: "", hours: "; of before it, ask for whole UTC days" }[what];
  const kept = { raw: "calls", hours: "hours" }[what];
  return new ApiError(`${what}_expired`, `${kept} are kept from ${since} on${before}`, { since });
}

/** The message and stack only: causes may hold statements with what callers sent. */
export function logError(error: Error, requestId: string): void {
  const cause = error.cause instanceof Error ? `: ${error.cause.message.slice(0, 200)}` : "";
  console.error(
    JSON.stringify({
      level: "error",
      request_id: requestId,
      error: `${error.name}: ${error.message.slice(0, 500)}${cause}`,
      stack: error.stack?.slice(0, 2_000),
    }),
  );
}
