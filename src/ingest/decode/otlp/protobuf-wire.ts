/**
 * Steps through protobuf messages. Each must have the length that is stated before it. What is wrong refuses the item
 * that it is in. Nothing is read beyond the end of its message, so that many wrong items cost no more than right ones.
 */
import type { BinaryReader } from "@bufbuild/protobuf/wire";
import { ItemRefused } from "../item.ts";

export const VARINT = 0;
export const BIT64 = 1;
export const LENGTH_DELIMITED = 2;
const GROUP = 3;

/** Steps into a length-delimited field of a message that stops at `end`. Returns the end of the field. */
export function enter(reader: BinaryReader, tag: number, end: number): number {
  expectWire(tag, LENGTH_DELIMITED);
  const stop = reader.uint32() + reader.pos;
  if (stop > end) throw new ItemRefused("a field runs past its message");
  return stop;
}

export function leave(reader: BinaryReader, end: number): void {
  if (reader.pos !== end) throw new ItemRefused("a field runs past its message");
}

export function expectWire(tag: number, wire: number): void {
  if ((tag & 7) !== wire) throw new ItemRefused(`field ${tag >>> 3} has wire type ${tag & 7}, not ${wire}`);
}

export function skip(reader: BinaryReader, tag: number): void {
  const [field, wire] = [tag >>> 3, tag & 7];
  if (field === 0) throw new ItemRefused("field number 0 is not allowed");
  // A group has no length, so its end may be anywhere behind the item.
  if (wire === GROUP) throw new ItemRefused(`field ${field} is a group, which OTLP does not have`);
  reader.skip(wire, field);
}

export function readString(reader: BinaryReader, tag: number, end: number): string {
  const start = reader.pos;
  enter(reader, tag, end);
  reader.pos = start;
  return reader.string(true);
}

export function readFixed64(reader: BinaryReader, tag: number): bigint {
  expectWire(tag, BIT64);
  return BigInt(reader.fixed64());
}
