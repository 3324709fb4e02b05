/**
 * The header `Idempotency-Key`: a request that is sent again with it creates nothing more. A route makes the id of what
 * it creates from the header, so that a second request finds what the first one created, also at the same time.
 */
import { digestUuid } from "../digest.ts";
import { ApiError } from "../errors.ts";
import type { AppContext } from "./context.ts";

const NAME = "Idempotency-Key";
const FORM = /^[\x20-\x7e]{1,255}$/;

export const IDEMPOTENCY_HEADER = {
  [NAME]:
    "A text of the client's choice, at most 255 ASCII characters, that names this request among those to this route for this project. If the same request comes again, it creates nothing more.",
};

/** Null if the header is not sent. @throws ApiError `invalid_parameter`. */
export function idempotencyKeyOf(c: AppContext): string | null {
  const key = c.req.header(NAME);
  if (key === undefined) return null;
  if (FORM.test(key)) return key;
  throw new ApiError("invalid_parameter", `${NAME}: must have 1 to 255 ASCII characters`, { parameter: NAME });
}

/**
 * The id of what the request creates: a digest of the header, or a random one without it.
 *
 * @param owner the project that it is created in, if it is in one.
 * @throws ApiError `invalid_parameter`.
 */
export function createdId(c: AppContext, owner: string | null): string {
  const key = idempotencyKeyOf(c);
  return key === null ? crypto.randomUUID() : digestUuid(`${c.req.path} ${owner} ${key}`);
}
