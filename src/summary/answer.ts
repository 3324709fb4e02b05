/**
 * An answer of the cache, and its form in Redis: a line each for the epoch, the digest, the last moment (epoch ms) and
 * the body, so a hit needs no parsing of JSON. A compressed body is in base64.
 */
import { gzipSync } from "node:zlib";
import { sha256Hex } from "../digest.ts";

/** A longer answer, in characters, is compressed: it would take much of Redis' memory and bandwidth. */
const COMPRESSED_FROM = 16_384;

const HEAD = /^([0-9a-f-]{36})\n([0-9a-f]{32})\n(\d{13})\n/;
const COMPRESSED = /^H4sI[\w+/]*={0,2}$/;

export interface Answer {
  /** JSON as text, or compressed by gzip. */
  body: string | Uint8Array<ArrayBuffer>;
  /** The digest of the body without its `as_of`: the same numbers have the same digest, whenever they were read. */
  digest: string;
}

/** An answer, and what decides whether it still holds. */
export interface Entry {
  answer: Answer;
  epoch: string;
  /** Epoch ms. */
  untilMs: number;
}

export function writeEntry({ answer: { body, digest }, epoch, untilMs }: Entry): string {
  return [epoch, digest, untilMs, typeof body === "string" ? body : Buffer.from(body).toString("base64")].join("\n");
}

/** Null if the value was stored in another epoch, or has another form. */
export function readEntry(value: string, epoch: string): Entry | null {
  const head = HEAD.exec(value);
  if (head === null || head[1] !== epoch) return null;
  const body = readBody(value.slice(head[0].length));
  return body === null ? null : { answer: { digest: head[2]!, body }, epoch, untilMs: Number(head[3]) };
}

function readBody(text: string): Answer["body"] | null {
  if (text.startsWith("{")) return text.endsWith("}") ? text : null;
  return COMPRESSED.test(text) ? Uint8Array.from(Buffer.from(text, "base64")) : null;
}

/** The same answer, compressed if it is long. */
export function compressed({ body, digest }: Answer): Answer {
  if (typeof body !== "string" || body.length < COMPRESSED_FROM) return { body, digest };
  return { body: Uint8Array.from(gzipSync(body)), digest };
}

export function withDigest(body: string): Answer {
  return { body, digest: sha256Hex(body.replace(AS_OF, "")).slice(0, 32) };
}

const AS_OF = /"as_of":"[^"]*"/;
