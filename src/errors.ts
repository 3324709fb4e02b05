/** Errors that callers see, by code. Only `src/http` turns a code into a status. */

export type ErrorCode =
  | "invalid_parameter"
  | "invalid_body"
  | "all_rejected"
  | "too_many_rows"
  | "answer_too_large"
  | "too_many_prices"
  | "too_many_jobs"
  | "too_many_plans"
  | "too_many_views"
  | "view_name_taken"
  | "price_overlap"
  | "key_already_created"
  | "key_inactive"
  | "idempotency_mismatch"
  | "unauthorized"
  | "forbidden"
  | "cross_origin"
  | "not_found"
  | "method_not_allowed"
  | "body_timeout"
  | "body_too_large"
  | "raw_expired"
  | "hours_expired"
  | "unsupported_media_type"
  | "rate_limited"
  | "overloaded"
  | "database_unavailable"
  | "queue_unavailable"
  | "internal";

/** An error that callers see. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly code: ErrorCode;
  /** Further members of the answer's body. */
  readonly members: Record<string, unknown>;

  constructor(code: ErrorCode, detail: string, members: Record<string, unknown> = {}) {
    super(detail);
    this.code = code;
    this.members = members;
  }
}

/** A request with this `Idempotency-Key` came before and asked for something else. */
export function idempotencyMismatch(): ApiError {
  return new ApiError("idempotency_mismatch", "an earlier request with this Idempotency-Key asked for something else");
}

/** The body does not have the form that its content type names: truncated, of wrong types, or nested too deep. */
export function malformedBody(detail: string): ApiError {
  return new ApiError("invalid_body", detail);
}

/** The request carries more items (spans, log records, calls) than it may. */
export function tooManyItems(maxItems: number): ApiError {
  return new ApiError("body_too_large", `a request may carry at most ${maxItems} items`);
}

/**
 * The answer would be larger than what a driver takes.
 *
 * @param narrow says what to ask instead.
 * @param parameter is the one to change first, if one is known.
 */
export function answerTooLarge(narrow: string, parameter: string | null): ApiError {
  return new ApiError("answer_too_large", `the answer would have more than 10 MB; ${narrow}`, { parameter });
}
