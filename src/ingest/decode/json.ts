/** JSON bodies. A body is parsed as a whole, then its shape is checked. Deep nesting is refused, not walked. */
import { malformedBody, tooManyItems } from "../../errors.ts";

/** The number of levels to which arrays and objects of a body may nest. */
export const MAX_DEPTH = 32;

/** Tells whether a parsed value nests more than `levels` arrays or objects. It recurses no further than that. */
export function nestsDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  // `for in` takes five times as long, and most members are no objects.
  for (const member of Array.isArray(value) ? (value as unknown[]) : Object.values(value)) {
    if (typeof member === "object" && nestsDeeper(member, levels - 1)) return true;
  }
  return false;
}

/** @throws ApiError `invalid_body` if the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformedBody("the body is not valid JSON");
  }
}

/** Stands for a line that nests too deep. */
export const TOO_DEEP = Symbol("nests too deep");

/**
 * Parses the lines of NDJSON. A line that is not JSON becomes null. Null is no object, so it becomes an item error.
 *
 * @throws ApiError `body_too_large` if there are more than `maxItems`.
 */
export function parseLines(text: string, maxItems: number): unknown[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (lines.length > maxItems) throw tooManyItems(maxItems);
  return lines.map((line) => {
    try {
      const item: unknown = JSON.parse(line);
      return nestsDeeper(item, MAX_DEPTH) ? TOO_DEEP : item;
    } catch {
      return null;
    }
  });
}

/**
 * The items of a JSON body, which is an array, an object with the items in `member`, or one object.
 *
 * @throws ApiError `invalid_body` for any other body, `body_too_large` if there are more than `maxItems`.
 */
export function itemsOf(body: unknown, maxItems: number, member?: string): unknown[] {
  if (nestsDeeper(body, MAX_DEPTH)) throw malformedBody(`the body is nested deeper than ${MAX_DEPTH} levels`);
  if (typeof body !== "object" || body === null) throw malformedBody("the body must be an object or an array");
  const items = Array.isArray(body) ? body : membersOf(body as Record<string, unknown>, member);
  if (items.length > maxItems) throw tooManyItems(maxItems);
  return items;
}

function membersOf(body: Record<string, unknown>, member: string | undefined): unknown[] {
  if (member === undefined || !Object.hasOwn(body, member)) return [body];
  const items = body[member];
  if (!Array.isArray(items)) throw malformedBody(`${member} must be an array`);
  return items;
}
