/**
 * Errors on the wire: RFC 9457 problem details, or google.rpc.Status if the request is OTLP. An unexpected error
 * becomes an opaque 500; only the log tells where it was thrown.
 */
import { HTTPException } from "hono/http-exception";
import { z } from "zod";
import { DatabaseUnavailable, Expired, type ExpiredKind, StatementTooLarge } from "../db/client.ts";
import { answerTooLarge, ApiError, type ErrorCode } from "../errors.ts";
import { encodeStatus } from "../ingest/decode/otlp/response.ts";
import { Ingested } from "../ingest/ingest.ts";
import { QueueUnavailable } from "../queue/queue.ts";
import { formatInstant } from "../time.ts";
import { id, time } from "../wire.ts";
import type { AppContext } from "./context.ts";

type Status = 400 | 401 | 403 | 404 | 405 | 408 | 409 | 413 | 415 | 422 | 429 | 500 | 503;

interface ErrorKind {
  status: Status;
  /** One explanation for all routes, shown in `/openapi.json`. */
  means: string;
  /** Members of this problem in addition to the common ones. */
  members?: z.ZodRawShape;
}

const KINDS: Record<ErrorCode, ErrorKind> = {
  invalid_parameter: {
    status: 400,
    means: "A parameter is wrong, unknown or given twice. `parameter` names it.",
    members: { parameter: z.string() },
  },
  invalid_body: { status: 400, means: "The body is malformed, or one of its members is wrong. `detail` says which." },
  all_rejected: {
    status: 400,
    means: "Every item of the body was rejected. `errors` gives the reason for each item.",
    members: Ingested.shape,
  },
  too_many_rows: {
    status: 400,
    means:
      "The answer would have too many rows. Ask for fewer groups or a shorter range. `parameter` names the parameter to change first.",
    members: { parameter: z.string() },
  },
  answer_too_large: {
    status: 400,
    means:
      "The answer would have more than 10 MB. `detail` says what to ask instead. `parameter` names the parameter to change first, if one is known.",
    members: { parameter: z.string().nullable() },
  },
  too_many_prices: { status: 400, means: "The maximum number of custom prices has been reached." },
  too_many_jobs: { status: 409, means: "The maximum number of open jobs has been reached. Cancel one, or wait." },
  too_many_plans: { status: 409, means: "The maximum number of plans has been reached. Delete one." },
  too_many_views: { status: 409, means: "The maximum number of saved views has been reached. Delete one." },
  view_name_taken: {
    status: 409,
    means: "Another saved view of the project has this name. `view_id` names it.",
    members: { view_id: id },
  },
  unauthorized: {
    status: 401,
    means: "The key is missing, unknown, revoked or expired, or the session of the page has ended.",
  },
  forbidden: {
    status: 403,
    means:
      "The key is valid, but it may not do this: it lacks the scope, belongs to another project, or is of the other kind (API key or admin key).",
  },
  cross_origin: {
    status: 403,
    means:
      "A request that changes something came with the cookie of the page, but not from the page. Nothing has changed. Send a key as Bearer instead.",
  },
  not_found: { status: 404, means: "The object does not exist, or it belongs to another project." },
  method_not_allowed: {
    status: 405,
    means: "The path does not have this method. The header `Allow` lists the methods that it has.",
  },
  body_timeout: { status: 408, means: "The body did not arrive within 60 seconds. Send a smaller one." },
  price_overlap: {
    status: 409,
    means: "Another price applies to the same model, provider and tier at that time. `price_id` names it.",
    members: { price_id: id },
  },
  key_already_created: {
    status: 409,
    means:
      "An earlier request with this `Idempotency-Key` created the API key, and only its answer showed it. If it did not arrive, revoke the key that `key_id` names, and create another with another `Idempotency-Key`.",
    members: { key_id: id },
  },
  key_inactive: {
    status: 409,
    means:
      "The key is revoked, has expired, or was replaced before: `replaced_by` names the key in its place, if there is one.",
    members: { replaced_by: id.nullable() },
  },
  idempotency_mismatch: {
    status: 422,
    means: "An earlier request with this `Idempotency-Key` asked for something else. Nothing has changed.",
  },
  body_too_large: {
    status: 413,
    means:
      "The body has more than 8 MB after decompression, more than 5,000 items, or more than 300,000 objects and arrays or 600,000 members.",
  },
  unsupported_media_type: {
    status: 415,
    means: "The route does not read this content type or content encoding.",
  },
  raw_expired: {
    status: 422,
    means: "The request needs calls that have been deleted. Calls are kept from `since` on.",
    members: { since: time },
  },
  hours_expired: {
    status: 422,
    means:
      "The query needs hourly data that has been deleted. Hourly data starts at `since`. Before that, ask for whole UTC days.",
    members: { since: time },
  },
  rate_limited: {
    status: 429,
    means:
      "The key, or the address that signs in, has sent more requests than it may in this time at this place. Nothing has changed. `RateLimit-Policy` has the quota `q` and the window `w` in seconds.",
  },
  overloaded: {
    status: 503,
    means: "Too many bodies are in work at this place. Nothing of this one was stored. Try again.",
  },
  database_unavailable: { status: 503, means: "The database did not answer. Try again: nothing is counted twice." },
  queue_unavailable: { status: 503, means: "The queue did not take the calls. Try again: nothing is counted twice." },
  internal: { status: 500, means: "Something went wrong on our side. The log names it by `request_id`." },
};

export function kindOf(code: ErrorCode): ErrorKind {
  return KINDS[code];
}

/** The schema of each code's problem details. */
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
      detail: z.string().describe("What is wrong, in words for people."),
      code: z.literal(code),
      request_id: z.string().describe("The same id as in the header `X-Request-Id`."),
      ...members,
    })
    .meta({ id: `Problem${inPascalCase(code)}`, description: means });
}

/** `not_found` -> `NotFound`. */
export function inPascalCase(code: string): string {
  return code.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** google.rpc.Code by HTTP status. */
const RPC_CODE: Readonly<Record<Status, number>> = {
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  405: 12,
  408: 4,
  409: 6,
  413: 3,
  415: 3,
  422: 9,
  429: 8,
  500: 13,
  503: 14,
};

/**
 * The headers of errors with a status: their values, and their texts in `/openapi.json`. Who throws the error sets those
 * without a value.
 */
export const ERROR_HEADERS: Partial<Record<Status, Readonly<Record<string, { value?: string; description: string }>>>> =
  {
    401: { "WWW-Authenticate": { value: "Bearer", description: "`Bearer`" } },
    429: {
      "Retry-After": { description: "The length of the window in seconds. After that, the quota is whole again." },
      "RateLimit-Policy": { description: 'The quota and the window, as in `"key";q=1000;w=60`.' },
    },
    503: { "Retry-After": { value: "5", description: "Seconds to wait before the same request is sent again." } },
  };

export function answerError(error: Error, c: AppContext): Response {
  const known = toApiError(error);
  const { status } = KINDS[known.code];
  const noted = c.get("noted");
  noted.errorCode = known.code;
  if (status >= 500) noted.failure = error;
  for (const [name, { value }] of Object.entries(ERROR_HEADERS[status] ?? {}))
    if (value !== undefined) c.header(name, value);

  const otlp = c.get("otlp");
  if (otlp) {
    const type = otlp === "protobuf" ? "application/x-protobuf" : "application/json";
    return c.body(encodeStatus(otlp, RPC_CODE[status], known.message) as Uint8Array<ArrayBuffer> | string, status, {
      "Content-Type": type,
    });
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

export function toApiError(error: Error): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof Expired) return expired(error);
  if (error instanceof DatabaseUnavailable)
    return new ApiError("database_unavailable", "the database did not answer; try again, nothing is counted twice");
  if (error instanceof StatementTooLarge)
    return answerTooLarge("ask for a shorter range, fewer groups, or more filters", null);
  if (error instanceof QueueUnavailable)
    return new ApiError("queue_unavailable", "the queue did not take the calls; try again, nothing is counted twice");
  if (error instanceof HTTPException && error.status < 500) return new ApiError("invalid_body", error.message);
  return new ApiError("internal", "something went wrong on our side");
}

function expired({ what, sinceMs }: Expired): ApiError {
  const since = formatInstant(sinceMs);
  const details: Record<ExpiredKind, string> = {
    raw: `calls are kept from ${since} on`,
    hours: `hourly data is kept from ${since} on; before that, ask for whole UTC days`,
  };
  return new ApiError(`${what}_expired`, details[what], { since });
}
