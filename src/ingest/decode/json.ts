/**
 * JSON bodies. The text is scanned before it is parsed, so that nothing is built that is too large. A body is parsed as
 * a whole, then its shape is checked. An item that nests too deep is marked; only depth around items refuses a body.
 */
import { ApiError, malformedBody, tooManyItems } from "../../errors.ts";
import { MAX_CONTAINERS, MAX_DEPTH, MAX_MEMBERS, MAX_PARSED_DEPTH, nestsDeeper, scanJson } from "./nesting.ts";

export interface ParsedJson {
  value: unknown;
  /** The number of levels to which its arrays and objects nest. */
  depth: number;
}

/**
 * @throws ApiError `invalid_body` if the text is not JSON, or nests deeper than `MAX_PARSED_DEPTH`.
 * @throws ApiError `body_too_large` if it has too many objects, arrays or members.
 */
export function parseJson(text: string): ParsedJson {
  const { depth, containers, members } = scanJson(text);
  if (depth > MAX_PARSED_DEPTH) throw malformedBody(`the body is nested deeper than ${MAX_PARSED_DEPTH} levels`);
  refuseTooMany(containers, members);
  try {
    return { value: JSON.parse(text), depth };
  } catch {
    throw malformedBody("the body is not valid JSON");
  }
}

function refuseTooMany(containers: number, members: number): void {
  if (containers <= MAX_CONTAINERS && members <= MAX_MEMBERS) return;
  throw new ApiError(
    "body_too_large",
    `a body may have at most ${MAX_CONTAINERS} objects and arrays, and ${MAX_MEMBERS} members`,
  );
}

/** Stands for an item that nests too deep. */
export const TOO_DEEP = Symbol("nests too deep");

/**
 * Parses the lines of NDJSON. A line that is not JSON becomes null. Null is no object, so it becomes an item error.
 *
 * @throws ApiError `body_too_large` if there are more than `maxItems`, or too many objects, arrays or members.
 */
export function parseLines(text: string, maxItems: number): unknown[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (lines.length > maxItems) throw tooManyItems(maxItems);
  let allContainers = 0;
  let allMembers = 0;
  return lines.map((line) => {
    const { depth, containers, members } = scanJson(line);
    if (depth > MAX_DEPTH) return TOO_DEEP;
    refuseTooMany((allContainers += containers), (allMembers += members));
    try {
      return JSON.parse(line) as unknown;
    } catch {
      return null;
    }
  });
}

/**
 * The items of a JSON body, which is an array, an object with the items in `member`, or one object. An item that nests
 * deeper than `MAX_DEPTH` is `TOO_DEEP`.
 *
 * @throws ApiError `invalid_body` for any other body, `body_too_large` if there are more than `maxItems`.
 */
export function itemsOf({ value, depth }: ParsedJson, maxItems: number, member?: string): unknown[] {
  if (typeof value !== "object" || value === null) throw malformedBody("the body must be an object or an array");
  const items = Array.isArray(value) ? value : membersOf(value as Record<string, unknown>, member);
  if (items.length > maxItems) throw tooManyItems(maxItems);
  if (depth <= MAX_DEPTH) return items;
  if (nestsDeeperAround(value, items)) throw malformedBody(`the body is nested deeper than ${MAX_DEPTH} levels`);
  return items.map((item) => (nestsDeeper(item, MAX_DEPTH) ? TOO_DEEP : item));
}

function membersOf(body: Record<string, unknown>, member: string | undefined): unknown[] {
  if (member === undefined || !Object.hasOwn(body, member)) return [body];
  const items = body[member];
  if (!Array.isArray(items)) throw malformedBody(`${member} must be an array`);
  return items;
}

/** Items are objects: brackets that hold none are depth around items, and so is what stands beside the items. */
function nestsDeeperAround(body: object, items: unknown[]): boolean {
  if (!items.some((item) => typeof item === "object" && item !== null && !Array.isArray(item))) return true;
  if (Array.isArray(body) || items[0] === body) return false;
  return Object.values(body).some((beside) => beside !== items && nestsDeeper(beside, MAX_DEPTH - 1));
}
