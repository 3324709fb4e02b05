/** Why a whole OTLP body is refused; what is wrong with one span is an `ItemError` instead. */

/** The body is not what its content type says: truncated, wrong types, nested too deep. */
export class MalformedBody extends Error {
  override readonly name = "MalformedBody";
}

/** More items (spans, log records, traces) than one request may carry. */
export class TooManyItems extends Error {
  override readonly name = "TooManyItems";
  readonly maxItems: number;

  constructor(maxItems: number) {
    super(`more than ${maxItems} items in one request`);
    this.maxItems = maxItems;
  }
}
