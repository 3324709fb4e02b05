/** One request of the fuzzer, and what may be wrong with the bytes of any: their form, encoding and content type. */
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import type { Draw } from "./draw.ts";

/** Whose key a request has. All but `ingest` belong to a project that may be changed in any way. */
export const CALLERS = ["ingest", "all", "reader", "writer", "other", "revoked", "admin", "metrics"] as const;
export type Caller = (typeof CALLERS)[number];

export interface Input {
  kind: string;
  method: string;
  /** With its query, as it is sent. */
  path: string;
  headers: Record<string, string>;
  body: Uint8Array | null;
  caller: Caller | null;
  /** Users of good calls among bad ones. The rest of the body is right, so each of them must be stored. */
  goods: string[];
}

export const JSON_TYPE = "application/json";
export const NDJSON_TYPE = "application/x-ndjson";
export const PROTOBUF_TYPE = "application/x-protobuf";

/** Encodings that leave a body what it is. */
export function encodedWell(body: Uint8Array, draw: Draw): Pick<Input, "body" | "headers"> {
  const encoding = (name: string): Record<string, string> => ({ "content-encoding": name });
  const at = draw.below(body.length + 1);
  const ways: (() => Pick<Input, "body" | "headers">)[] = [
    () => ({ body, headers: {} }),
    () => ({ body, headers: encoding("identity") }),
    () => ({ body: gzipSync(body, { level: 1 }), headers: encoding(draw.pick(["gzip", "GZIP", " gzip "])) }),
    () => ({
      body: Buffer.concat([gzipSync(body.subarray(0, at)), gzipSync(body.subarray(at))]),
      headers: encoding("gzip"),
    }),
  ];
  return draw.chance(0.7) ? ways[0]!() : draw.pick(ways)();
}

const TYPES = [
  JSON_TYPE,
  NDJSON_TYPE,
  PROTOBUF_TYPE,
  "application/json; charset=utf-16",
  "APPLICATION/JSON ; charset=UTF-8",
  "application/json, text/plain",
  "text/plain",
  "application/jsonl",
  "multipart/form-data; boundary=x",
  "application/x-www-form-urlencoded",
  ";",
  "\xff",
];

/** Mistakes in bytes, in their encoding or in what their headers say of them. */
export function damaged(input: Input, others: readonly Uint8Array[], draw: Draw): Input {
  const body = input.body ?? new Uint8Array();
  const other = draw.pick(others);
  const cut = draw.below(body.length + 1);
  const withType = (type: string): Input => ({ ...input, headers: { ...input.headers, "content-type": type } });
  const encoded = (bytes: Uint8Array, encoding: string): Input => ({
    ...input,
    body: bytes,
    headers: { ...input.headers, "content-encoding": encoding },
  });
  const bytes = (...parts: Uint8Array[]): Input => ({ ...input, body: Buffer.concat(parts) });
  const zipped = (): Uint8Array => gzipSync(body, { level: 1 });
  const ways: (() => Input)[] = [
    () => bytes(flipped(body, draw)),
    () => bytes(flipped(body, draw)),
    () => bytes(body.subarray(0, cut)),
    () => bytes(body.subarray(0, cut), other.subarray(draw.below(other.length + 1))),
    () => bytes(body, other),
    () =>
      bytes(
        body.subarray(0, cut),
        Uint8Array.from({ length: 1 + draw.below(8) }, () => draw.below(256)),
        body.subarray(cut),
      ),
    () => bytes(body.subarray(0, cut), body.subarray(draw.below(body.length + 1))),
    () => bytes(Uint8Array.of(0xef, 0xbb, 0xbf), body),
    () => bytes(Buffer.from(Buffer.from(body).toString("latin1"), "utf16le")),
    () => bytes(),
    () => withType(draw.pick(TYPES)),
    () => withType(draw.pick(TYPES)),
    () => encoded(body, "gzip"),
    () => encoded(body, draw.pick(["br", "deflate", "gzip, gzip", "zstd", "x-gzip", "", "\xff"])),
    () => encoded(flipped(zipped(), draw), "gzip"),
    () => encoded(zipped().subarray(0, -1 - draw.below(20)), "gzip"),
    () => encoded(Buffer.concat([zipped(), other]), "gzip"),
    () => encoded(gzipSync(zipped()), "gzip"),
    () => encoded(brotliCompressSync(body), "br"),
    () => encoded(deflateSync(body), "gzip"),
    () => bytes(zipped()),
  ];
  return { ...draw.pick(ways)(), goods: [] };
}

function flipped(body: Uint8Array, draw: Draw): Uint8Array {
  const copy = Uint8Array.from(body);
  for (let flips = 1 + draw.below(6); flips > 0 && copy.length > 0; flips--)
    copy[draw.below(copy.length)] = draw.chance(0.5) ? draw.below(256) : draw.pick([0, 0x22, 0x5c, 0x7b, 0x5d, 0xff]);
  return copy;
}
