/** Protobuf as a tree of fields, so that a mistake can be made in any of them: right by its structure everywhere else. */
import type { Draw } from "./draw.ts";
import type { JsonAttribute, JsonValue } from "../ingest/decode/otlp/request.ts";

const VARINT = 0;
const BIT64 = 1;
const BYTES = 2;
const GROUP = 3;
const BIT32 = 5;

export interface Field {
  number: number;
  wire: number;
  /** Fields of a message inside; bytes as they are; or a number. */
  value: Field[] | Uint8Array | bigint;
  /** Bytes more than the tag's varint, or the number's, needs. */
  overlong?: number;
  /** How much longer than it is its length says that it is. */
  claims?: number;
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
export const message = (number: number, fields: Field[]): Field => ({ number, wire: BYTES, value: fields });
export const bytes = (number: number, value: Uint8Array | string): Field => ({
  number,
  wire: BYTES,
  value: typeof value === "string" ? utf8(value) : value,
});
export const varint = (number: number, value: bigint): Field => ({ number, wire: VARINT, value });
export const fixed64 = (number: number, value: bigint): Field => ({ number, wire: BIT64, value });

export function attribute(number: number, { key, value }: JsonAttribute): Field {
  return message(number, [bytes(1, key), message(2, anyValue(value))]);
}

export function anyValue({
  stringValue,
  boolValue,
  intValue,
  doubleValue,
  arrayValue,
  kvlistValue,
}: JsonValue): Field[] {
  if (stringValue !== undefined) return [bytes(1, stringValue)];
  if (boolValue !== undefined) return [varint(2, boolValue ? 1n : 0n)];
  if (intValue !== undefined) return [varint(3, BigInt.asUintN(64, BigInt(intValue)))];
  if (doubleValue !== undefined) return [fixed64(4, new BigUint64Array(Float64Array.of(doubleValue).buffer)[0]!)];
  if (arrayValue)
    return [
      message(
        5,
        arrayValue.values.map((value) => message(1, anyValue(value))),
      ),
    ];
  if (kvlistValue)
    return [
      message(
        6,
        kvlistValue.values.map((entry) => attribute(1, entry)),
      ),
    ];
  return [];
}

export function encode(fields: readonly Field[]): Uint8Array {
  return Buffer.concat(fields.map(encodeField));
}

function encodeField({ number, wire, value, overlong = 0, claims = 0 }: Field): Uint8Array {
  const tag = base128((BigInt(number) << 3n) | BigInt(wire), wire === VARINT ? 0 : overlong);
  if (typeof value === "bigint") {
    if (wire === VARINT) return Buffer.concat([tag, base128(value, overlong)]);
    const fixed = Buffer.alloc(8);
    fixed.writeBigUInt64LE(BigInt.asUintN(64, value));
    return Buffer.concat([tag, wire === BIT32 ? fixed.subarray(0, 4) : fixed]);
  }
  const body = value instanceof Uint8Array ? value : encode(value);
  if (wire !== BYTES) return Buffer.concat([tag, body]);
  return Buffer.concat([tag, base128(BigInt(Math.max(0, body.length + claims)), 0), body]);
}

function base128(value: bigint, overlong: number): Uint8Array {
  const out: number[] = [];
  let left = value;
  for (; left > 127n; left >>= 7n) out.push(Number(left & 127n) | 0x80);
  out.push(Number(left));
  for (let i = 0; i < overlong; i++) {
    out[out.length - 1]! |= 0x80;
    out.push(0);
  }
  return Uint8Array.from(out);
}

/** An `AnyValue` in so many lists or maps. */
function nested(levels: number, inLists: boolean): Uint8Array {
  let value = encode([bytes(1, "bottom")]);
  for (let i = 0; i < levels; i++)
    value = encode(
      inLists ? [message(5, [bytes(1, value)])] : [message(6, [message(1, [bytes(1, "k"), bytes(2, value)])])],
    );
  return value;
}

/** A copy with one to three mistakes in it. */
export function spoiledFields(fields: readonly Field[], draw: Draw): Field[] {
  const copy = structuredClone(fields) as Field[];
  for (let mistakes = 1 + draw.below(3); mistakes > 0; mistakes--) spoilOne(copy, draw);
  return copy;
}

function spoilOne(root: Field[], draw: Draw): void {
  const lists = listsOf(root).filter((list) => list.length > 0);
  if (lists.length === 0) return;
  const list = draw.pick(lists);
  const at = draw.below(list.length);
  const field = list[at]!;
  const number = field.number;
  const junk = (): Uint8Array => Uint8Array.from({ length: draw.below(24) }, () => draw.below(256));
  const others: Field[] = [
    varint(number, draw.pick([0n, 7n, 2n ** 31n, 2n ** 63n, 2n ** 64n - 1n])),
    fixed64(number, draw.pick([0n, 2n ** 64n - 1n, 0x7ff8000000000000n])),
    { number, wire: BIT32, value: 7n },
    bytes(number, junk()),
    { number, wire: GROUP, value: junk() },
    { number, wire: GROUP, value: new Uint8Array(draw.pick([40, 600])).fill(0x0b) },
    { number, wire: draw.pick([4, 6, 7]), value: junk() },
    bytes(number, nested(draw.pick([31, 33, 64, 600]), draw.chance(0.5))),
    message(number, [bytes(2, nested(draw.pick([31, 33, 600]), draw.chance(0.5)))]),
  ];
  const ways: (() => unknown)[] = [
    () => (list[at] = draw.pick(others)),
    () => (list[at] = draw.pick(others)),
    () => (field.overlong = draw.pick([1, 4, 8, 9, 20])),
    () => (field.claims = draw.pick([-1, 1, 2, 100, 2 ** 31, 2 ** 32])),
    () => (field.number = draw.pick([0, 1, 2, 9, 100, 19_000, 2 ** 29 - 1])),
    () => list.splice(at, 1),
    () => list.splice(draw.below(list.length), 0, structuredClone(field)),
    () => list.reverse(),
    () => (list[at] = { ...field, value: junk(), wire: BYTES }),
    () => list.push(bytes(draw.pick([1, 2, 99]), junk())),
  ];
  draw.pick(ways)();
}

function listsOf(fields: Field[]): Field[][] {
  return [fields, ...fields.flatMap(({ value }) => (Array.isArray(value) ? listsOf(value) : []))];
}
