/** Reads request bodies whole and decompressed. The cap holds for the bytes that arrive, not for what headers claim. */
import { gunzipSync } from "node:zlib";
import { z } from "zod";
import { ApiError, malformedBody } from "../errors.ts";
import { parseJson } from "../ingest/decode/json.ts";
import { holdOpen } from "../keep-alive.ts";
import { parseInstant } from "../time.ts";
import type { AppContext, Deps } from "./context.ts";
import type { Intake, Work } from "./intake.ts";
import { refuseUnstorable } from "./storable.ts";

/** After decompression. */
export const MAX_BODY_BYTES = 8 * 1024 * 1024;

/**
 * Reads a body, and frees its bytes once `read` has used them.
 *
 * @throws ApiError 413 past the cap, 415 for an encoding other than gzip; `invalid_body` for bad gzip, and for a body
 * that does not arrive whole; `body_timeout` if it takes too long; `overloaded` if too many others are in work.
 */
export async function readBody<T>(c: AppContext, intake: Intake, read: (bytes: Uint8Array) => T): Promise<T> {
  const bytes = await arrivedBody(c, intake);
  try {
    return read(bytes);
  } finally {
    free(bytes);
  }
}

/** Reads a body of text. It throws as `readBody` does, and ApiError `invalid_body` when the bytes are not UTF-8. */
export async function readText(c: AppContext, intake: Intake): Promise<string> {
  return await readBody(c, intake, decodeText);
}

/**
 * Gives memory back at once. The collector sees only the small object in front of it, so 8 MB of each of many bodies
 * would wait for it outside of its heap.
 */
function free(bytes: Uint8Array): void {
  const buffer = bytes.buffer as ArrayBuffer;
  if (buffer.byteLength === bytes.byteLength) buffer.transfer(0);
}

async function arrivedBody(c: AppContext, intake: Intake): Promise<Uint8Array> {
  const request = c.req.raw;
  const work = c.get("work");
  const encoding = (request.headers.get("content-encoding") ?? "identity").trim().toLowerCase();
  if (encoding !== "identity" && encoding !== "gzip") {
    throw new ApiError("unsupported_media_type", "the content encoding must be gzip or none");
  }
  const length = request.headers.get("content-length");
  if (length !== null && Number(length) > MAX_BODY_BYTES) throw tooLarge();
  if (request.body === null) return new Uint8Array();
  const arriving = length === null ? readStream(request.body, work) : readKnown(request, Number(length), work);
  const bytes = await holdOpen(arriving, intake.arrivalMs);
  if (bytes === "late") throw new ApiError("body_timeout", `the body took longer than ${intake.arrivalMs / 1_000} s`);
  c.get("noted").bytesIn = bytes.byteLength;
  return encoding === "gzip" ? gunzip(bytes, work) : bytes;
}

/** Node's gunzip reads several members one behind the other; a `DecompressionStream` takes the first alone. */
function gunzip(bytes: Uint8Array, work: Work): Uint8Array {
  try {
    const body = gunzipSync(bytes, { maxOutputLength: MAX_BODY_BYTES });
    work.take(body.byteLength - bytes.byteLength);
    return body;
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw error instanceof RangeError ? tooLarge() : malformedBody("the body is not valid gzip");
  } finally {
    free(bytes);
  }
}

async function readKnown(request: Request, length: number, work: Work): Promise<Uint8Array> {
  work.take(length);
  return new Uint8Array(await arrived(request.arrayBuffer()));
}

async function readStream(stream: ReadableStream<Uint8Array>, work: Work): Promise<Uint8Array> {
  const reader = stream.getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const part = await arrived(reader.read());
    if (part.done) break;
    size += part.value.byteLength;
    try {
      if (size > MAX_BODY_BYTES) throw tooLarge();
      work.take(part.value.byteLength);
    } catch (error) {
      await reader.cancel().catch(() => undefined);
      throw error;
    }
    parts.push(part.value);
  }
  if (parts.length === 1) return parts[0]!;
  const body = new Uint8Array(size);
  let offset = 0;
  for (const part of parts) {
    body.set(part, offset);
    offset += part.byteLength;
    free(part);
  }
  return body;
}

/** A client that hangs up is no fault of the ledger. */
async function arrived<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch {
    throw malformedBody("the body did not arrive whole");
  }
}

function tooLarge(): ApiError {
  return new ApiError("body_too_large", `the body is larger than ${MAX_BODY_BYTES} bytes after decompression`);
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw malformedBody("the body is not valid UTF-8");
  }
}

/** Reads a JSON body of a known shape. @throws ApiError 400 that names the wrong member. */
export async function parseBody<T>(c: AppContext, { intake }: Deps, schema: z.ZodType<T>): Promise<T> {
  const { value } = parseJson(await readText(c, intake));
  refuseUnstorable(value);
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new ApiError("invalid_body", `${issue?.path.join(".") || "body"}: ${issue?.message ?? "invalid"}`);
}

const EARLIEST_MS = Date.UTC(2000, 0, 1);
const LATEST_MS = Date.UTC(2100, 0, 1);

/** An instant as a member of a body. It becomes epoch ms. */
export const instant = z.union([z.string(), z.number()]).transform((value, context) => {
  const ms = typeof value === "number" ? value : parseInstant(value);
  if (ms !== null && Number.isInteger(ms) && ms >= EARLIEST_MS && ms <= LATEST_MS) return ms;
  context.addIssue("must be RFC 3339 with an offset, epoch milliseconds or YYYY-MM-DD, between 2000 and 2100");
  return z.NEVER;
});
