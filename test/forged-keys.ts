import { crc32 } from "node:zlib";

/** Keys that nobody was given, with checksums that fit. */
export function forgedKeys(count: number): string[] {
  return Array.from({ length: count }, () => {
    const bytes = crypto.getRandomValues(new Uint8Array(20));
    const random = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return `lct_${random}${crc32(random).toString(16).padStart(8, "0")}`;
  });
}
