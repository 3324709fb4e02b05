/** Steps through protobuf messages, holding each to the length that was said before it. */
import type { BinaryReader } from "@bufbuild/protobuf/wire";
import { MalformedBody } from "./otlp-errors.ts";
import { MAX_VALUE_DEPTH } from "./span.ts";

export const VARINT = 0;
export const BIT64 = 1;
export const LENGTH_DELIMITED = 2;

/** Steps into a length-delimited field of a message that stops at `end`; returns where the field stops. */
export function enter(reader: BinaryReader, tag: number, end: number): number {
  expectWire(tag, LENGTH_DELIMITED);
  const stop = reader.uint32() + reader.pos;
  if (stop > end) throw new MalformedBody("a field runs past its message");
  return stop;
}

export function leave(reader: BinaryReader, end: number): void {
  if (reader.pos !== end) throw new MalformedBody("a field runs past its message");
}

export function expectWire(tag: number, wire: number): void {
  if ((tag & 7) !== wire) throw new MalformedBody(`field ${tag >>> 3} has wire type ${tag & 7}, not ${wire}`);
}

export function skip(reader: BinaryReader, tag: number): void {
  if (tag >>> 3 === 0) throw new MalformedBody("field number 0");
  reader.skip(tag & 7, tag >>> 3, MAX_VALUE_DEPTH);
}

export function readString(reader: BinaryReader, tag: number, end: number): string {
  expectWire(tag, LENGTH_DELIMITED);
  const text = reader.string(true);
  if (reader.pos > end) throw new MalformedBody("a string runs past its message");
  return text;
}

export function readFixed64(reader: BinaryReader, tag: number): bigint {
  expectWire(tag, BIT64);
  return BigInt(reader.fixed64());
}
