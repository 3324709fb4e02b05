/** JSON bodies: parsed whole, then judged by shape; deep nesting is refused, not walked. */

import { MalformedBody } from "./otlp-errors.ts";

/** How deep arrays and objects of a body may nest. */
export const MAX_DEPTH = 32;

/** Does a parsed value nest more than `levels` arrays or objects? Never recurses further than that. */
export function nestsDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  for (const key in value) {
    if (nestsDeeper((value as Record<string, unknown>)[key], levels - 1)) return true;
  }
  return false;
}

/** @throws MalformedBody when the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new MalformedBody("the body is not valid JSON");
  }
}
