/** The form of values on the wire, declared once for every schema: text, money, times and counts. */
import { z } from "zod";

/** Any character that Postgres can store, as a part of patterns. */
export const CHARACTER = String.raw`[^\x00]`;

/** USD as a plain decimal: no exponent, no trailing zeros. */
export const usd = z.string().regex(/^\d+(?:\.\d{0,11}[1-9])?$/);
/** USD that may be negative. */
export const usdDifference = z.string().regex(/^-?\d+(?:\.\d{0,11}[1-9])?$/);
/** RFC 3339. */
export const time = z.string().meta({ format: "date-time" });
/** `YYYY-MM-DD`, UTC. */
export const day = z.string().meta({ format: "date" });
export const id = z.string().meta({ format: "uuid" });
export const count = z.int().min(0);
export const nextCursor = z
  .string()
  .nullable()
  .describe("Send it as `cursor` to get the next page. Null on the last page.");
