/** The outcome of a call. Several emitters leave the status of a failed span unset, or set it to ok. */
import { ERROR_TYPE, FINISH_REASONS, HTTP_STATUS, LEVEL } from "./attributes.ts";
import { listOf, STATUS_ERROR, textOf, type Span } from "./span.ts";

export interface Outcome {
  status: "ok" | "error";
  errorType: string | null;
}

const MAX_ERROR_TYPE = 512;

export function outcomeOf(span: Span): Outcome {
  const { attributes } = span;
  const type = textOf(attributes, ERROR_TYPE);
  const httpStatus = Number(attributes.get(HTTP_STATUS));
  const failed =
    span.statusCode === STATUS_ERROR ||
    type !== null ||
    httpStatus >= 400 ||
    attributes.get(LEVEL) === "ERROR" ||
    FINISH_REASONS.some((name) => attributes.has(name) && listOf(attributes, name).includes("error"));
  if (!failed) return { status: "ok", errorType: null };
  const errorType = type ?? (httpStatus >= 400 ? String(httpStatus) : null);
  return {
    status: "error",
    errorType: errorType && errorType.slice(0, MAX_ERROR_TYPE).toWellFormed().replaceAll("\0", "\ufffd"),
  };
}
