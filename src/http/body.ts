/** Reads request bodies whole and decompressed. The cap holds for the bytes that arrive, not for what headers claim. */
import type { z } from "zod";
import { ApiError, malformedBody } from "../errors.ts";
import { parseJson } from "../ingest/decode/json.ts";
import { refuseUnstorable } from "./storable.ts";

/** After decompression. */
export const MAX_BODY_BYTES = 8 * 1024 * 1024;

/**
 * @throws ApiError 413 past the cap, 415 for an encoding other than gzip; `invalid_body` for bad gzip.
 */
export async function readBody(request: Request): Promise<Uint8Array> {
  const encoding = (request.headers.get("content-encoding") ?? "identity").trim().toLowerCase();
  if (encoding !== "identity" && encoding !== "gzip") {
    throw new ApiError("unsupported_media_type", "the content encoding must be gzip or none");
  }
  const length = request.headers.get("content-length");
  if (length !== null && Number(length) > MAX_BODY_BYTES) throw tooLarge();
  if (request.body === null) return new Uint8Array();
  if (encoding === "gzip") return await readStream(gunzip(request.body));
  return length === null ? await readStream(request.body) : new Uint8Array(await request.arrayBuffer());
}

function gunzip(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  return body.pipeThrough(new DecompressionStream("gzip") as unknown as ReadableWritablePair<Uint8Array, Uint8Array>);
}

async function readStream(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const reader = stream.getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    let part: ReadableStreamReadResult<Uint8Array>;
    try {
      part = await reader.read();
    } catch {
      throw malformedBody("the body is not valid gzip");
    }
    if (part.done) break;
    size += part.value.byteLength;
    if (size > MAX_BODY_BYTES) {
      await reader.cancel().catch(() => undefined);
      throw tooLarge();
    }
    parts.push(part.value);
  }
  if (parts.length === 1) return parts[0]!;
  const body = new Uint8Array(size);
  let offset = 0;
  for (const part of parts) {
    body.set(part, offset);
    offset += part.byteLength;
  }
  return body;
}

function tooLarge(): ApiError {
  return new ApiError("body_too_large", `the body is larger than ${MAX_BODY_BYTES} bytes after decompression`);
}

/** @throws ApiError `invalid_body` when the bytes are not UTF-8. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw malformedBody("the body is not valid UTF-8");
  }
}

/** Reads a JSON body of a known shape. @throws ApiError 400 that names the wrong member. */
export async function parseBody<T>(request: Request, schema: z.ZodType<T>): Promise<T> {
  const { value } = parseJson(decodeText(await readBody(request)));
  refuseUnstorable(value);
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new ApiError("invalid_body", `${issue?.path.join(".") || "body"}: ${issue?.message ?? "invalid"}`);
}
