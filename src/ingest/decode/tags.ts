/** Tags: key-value pairs of text. Their number and length are limited, so that no caller can flood the rollups. */
import { MAX_TAG_KEY, MAX_TAG_VALUE, MAX_TAGS } from "../../ledger/call.ts";

/**
 * Reads a tags object. NUL and half surrogate pairs in values become U+FFFD.
 *
 * @returns the tags, or the error message if they are wrong.
 */
export function readTags(value: unknown): Record<string, string> | string {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) return "tags must be an object whose values are strings";
  const entries = Object.entries(value);
  if (entries.length > MAX_TAGS) return `a call may have at most ${MAX_TAGS} tags`;
  const tags: Record<string, string> = {};
  for (const [key, tag] of entries) {
    if (key === "__proto__" || key === "constructor") return `${key} is not allowed as a tag name`;
    if (key === "" || key.length > MAX_TAG_KEY || key.includes("\0") || !key.isWellFormed())
      return `a tag name must have 1 to ${MAX_TAG_KEY} characters, without a NUL or half a surrogate pair`;
    if (typeof tag !== "string") return `tag ${key} must be a string`;
    if (tag.length > MAX_TAG_VALUE) return `tag ${key} is longer than ${MAX_TAG_VALUE} characters`;
    tags[key] = tag.includes("\0") || !tag.isWellFormed() ? tag.toWellFormed().replaceAll("\0", "�") : tag;
  }
  return tags;
}
