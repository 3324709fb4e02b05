import { hash } from "node:crypto";

/** SHA-256 of a text, 64 hex digits. */
export function sha256Hex(text: string): string {
  return hash("sha256", text);
}

/** A text's digest in the shape of a UUID version 8, for content-addressed rows. */
export function digestUuid(text: string): string {
  const hex = sha256Hex(text);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
