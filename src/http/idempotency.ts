/** The header `Idempotency-Key`: a request that is sent again with it creates nothing more. */
import { ApiError } from "../errors.ts";
import type { AppContext } from "./context.ts";

const NAME = "Idempotency-Key";
const FORM = /^[\x20-\x7e]{1,255}$/;

export const IDEMPOTENCY_HEADER = {
  [NAME]:
    "A text of the client's choice, at most 255 ASCII characters, that names this request. If the same request comes again, it creates nothing more, and its answer shows what the first one created.",
};

/** Null if the header is not sent. @throws ApiError `invalid_parameter`. */
export function idempotencyKeyOf(c: AppContext): string | null {
  const key = c.req.header(NAME);
  if (key === undefined) return null;
  if (FORM.test(key)) return key;
  throw new ApiError("invalid_parameter", `${NAME}: must have 1 to 255 ASCII characters`, { parameter: NAME });
}
