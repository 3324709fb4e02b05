/** Tags: free key-value pairs of text, capped so that a caller cannot flood the rollups' labels. */

export const MAX_TAGS = 50;
export const MAX_KEY = 128;
export const MAX_VALUE = 512;

/**
 * Reads a tags object. NUL and half surrogate pairs in values become U+FFFD.
 *
 * @returns the tags, or what is wrong with them.
 */
export function readTags(value: unknown): Record<string, string> | string {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) return "tags must be an object of strings";
  const entries = Object.entries(value);
  if (entries.length > MAX_TAGS) return `more than ${MAX_TAGS} tags`;
  const tags: Record<string, string> = {};
  for (const [key, tag] of entries) {
    if (key === "__proto__" || key === "constructor") return `${key} is not a tag name`;
    if (key === "" || key.length > MAX_KEY || key.includes("\0") || !key.isWellFormed())
      return `a tag name is 1 to ${MAX_KEY} characters of text`;
    if (typeof tag !== "string") return `tag ${key} must be a string`;
    if (tag.length > MAX_VALUE) return `tag ${key} is longer than ${MAX_VALUE} characters`;
    tags[key] = tag.includes("\0") || !tag.isWellFormed() ? tag.toWellFormed().replaceAll("\0", "�") : tag;
  }
  return tags;
}
