/** Steps through protobuf messages. Each must have the length that is stated before it. */
import { malformedBody } from "../../../errors.ts";
import type { BinaryReader } from "@bufbuild/protobuf/wire";
import { MAX_VALUE_DEPTH } from "../span/span.ts";

export const VARINT = 0;
export const BIT64 = 1;
export const LENGTH_DELIMITED = 2;

/** Steps into a length-delimited field of a message that stops at `end`. Returns the end of the field. */
export function enter(reader: BinaryReader, tag: number, end: number): number {
  expectWire(tag, LENGTH_DELIMITED);
  const stop = reader.uint32() + reader.pos;
  if (stop > end) throw malformedBody("a field runs past its message");
  return stop;
}

export function leave(reader: BinaryReader, end: number): void {
  if (reader.pos !== end) throw malformedBody("a field runs past its message");
}

export function expectWire(tag: number, wire: number): void {
  if ((tag & 7) !== wire) throw malformedBody(`field ${tag >>> 3} has wire type ${tag & 7}, not ${wire}`);
}

export function skip(reader: BinaryReader, tag: number): void {
  if (tag >>> 3 === 0) throw malformedBody("field number 0 is not allowed");
  reader.skip(tag & 7, tag >>> 3, MAX_VALUE_DEPTH);
}

export function readString(reader: BinaryReader, tag: number, end: number): string {
  expectWire(tag, LENGTH_DELIMITED);
  const text = reader.string(true);
  if (reader.pos > end) throw malformedBody("a string runs past its message");
  return text;
}

export function readFixed64(reader: BinaryReader, tag: number): bigint {
  expectWire(tag, BIT64);
  return BigInt(reader.fixed64());
}
