/** Errors that callers see, by code; `src/http` alone turns a code into a status. */

export type ErrorCode =
  | "invalid_parameter"
  | "invalid_body"
  | "all_rejected"
  | "too_many_rows"
  | "too_many_prices"
  | "price_overlap"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "method_not_allowed"
  | "body_too_large"
  | "raw_expired"
  | "hours_expired"
  | "unsupported_media_type"
  | "database_unavailable"
  | "queue_unavailable"
  | "internal";

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
