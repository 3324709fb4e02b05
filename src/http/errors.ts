/**
 * Errors on the wire: RFC 9457 problem details, or google.rpc.Status where the request is OTLP.
 * What is not foreseen becomes an opaque 500; its details go to the log alone.
 */
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { DatabaseUnavailable } from "../db/client.ts";
import { ApiError, type ErrorCode } from "../errors.ts";
import { MalformedBody, TooManyItems } from "../ingest/decode/otlp-errors.ts";
import { encodeStatus } from "../ingest/decode/otlp-response.ts";
import type { AppContext } from "./context.ts";

const STATUS: Record<ErrorCode, ContentfulStatusCode> = {
  invalid_parameter: 400,
  invalid_body: 400,
  all_rejected: 400,
  too_many_rows: 400,
  too_many_prices: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  price_overlap: 409,
  body_too_large: 413,
  unsupported_media_type: 415,
  database_unavailable: 503,
  internal: 500,
};

/** google.rpc.Code by HTTP status. */
const RPC_CODE: Record<number, number> = { 400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 413: 3, 415: 3, 500: 13, 503: 14 };

const RETRY_AFTER_SECONDS = "5";

export function answerError(error: Error, c: AppContext): Response {
  const known = toApiError(error);
  if (known.code === "internal" || known.code === "database_unavailable") logError(error, c.get("requestId"));
  const status = STATUS[known.code];
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
  if (error instanceof MalformedBody) return new ApiError("invalid_body", error.message);
  if (error instanceof TooManyItems) return new ApiError("body_too_large", error.message);
  if (error instanceof DatabaseUnavailable)
    return new ApiError("database_unavailable", "the database did not answer; try again, nothing is counted twice");
  if (error instanceof HTTPException && error.status < 500) return new ApiError("invalid_body", error.message);
  return new ApiError("internal", "something went wrong on our side");
}

/** The message and stack only: causes may hold statements with what callers sent. */
function logError(error: Error, requestId: string): void {
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
