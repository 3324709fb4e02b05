import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatInstant, parseInstant } from "../src/time.ts";

const NOON = Date.UTC(2024, 1, 29, 12);

describe("parseInstant", () => {
  it.each([
    ["2024-02-29T12:00:00Z", NOON],
    ["2024-02-29t12:00:00z", NOON],
    ["2024-02-29 12:00:00Z", NOON],
    ["2024-02-29T12:00:00.5Z", NOON + 500],
    ["2024-02-29T12:00:00+00:00", NOON],
    ["2024-02-29T12:00:00-00:00", NOON],
    ["2024-02-29T17:30:00+05:30", NOON],
    ["2024-02-29T08:30:00-03:30", NOON],
    ["2024-03-01T02:00:00+14:00", NOON],
    ["2024-02-29T00:00:00-12:00", NOON],
    ["2024-03-01T11:59:00+23:59", NOON],
    ["2024-02-29", Date.UTC(2024, 1, 29)],
    ["2000-02-29T00:00:00Z", Date.UTC(2000, 1, 29)],
    ["1970-01-01T00:00:00Z", 0],
    ["9999-12-31T23:59:59.999Z", 253_402_300_799_999],
  ])("reads %s", (text, ms) => {
    expect(parseInstant(text)).toBe(ms);
  });

  it.each([
    ["2024-02-29T12:00:00.001Z", 1],
    ["2024-02-29T12:00:00.0019Z", 1],
    ["2024-02-29T12:00:00.000999999Z", 0],
    ["2024-02-29T12:00:00.999999999Z", 999],
    ["2024-02-29T12:00:00.9999999999999999999Z", 999],
    ["2024-02-29T12:00:00.57Z", 570],
    ["2024-02-29T12:00:00.29Z", 290],
    ["2024-02-29T12:00:00.1234567891Z", 123],
  ])("cuts what is finer than a ms, never rounds: %s", (text, ms) => {
    expect(parseInstant(text)).toBe(NOON + ms);
  });

  it.each([
    "2023-02-29T00:00:00Z",
    "1900-02-29",
    "2100-02-29",
    "2024-02-30",
    "2024-04-31",
    "2024-00-10",
    "2024-13-01",
    "2024-01-00",
    "2024-01-32",
    "0000-01-01",
  ])("refuses %s, no day of the calendar", (text) => {
    expect(parseInstant(text)).toBeNull();
  });

  it.each([
    "2023-02-29T00:00:00.000Z",
    "2024-04-31T00:00:00.000Z",
    "2024-00-01T00:00:00.000Z",
    "2024-13-01T00:00:00.000Z",
    "2024-01-00T00:00:00.000Z",
    "2024-01-32T00:00:00.000Z",
    "2024-01-01T24:00:00.000Z",
    "2024-01-01T00:60:00.000Z",
    "2024-01-01T00:00:60.000Z",
    "2024-01-01T00:00:00.0x0Z",
    "2o24-01-01T00:00:00.000Z",
  ])("refuses %s, though JavaScript writes instants so", (text) => {
    expect(parseInstant(text)).toBeNull();
  });

  it.each([
    "",
    "now",
    "infinity",
    "2024",
    "2024-02",
    "20240229T120000Z",
    "2024-2-9",
    "24-02-29",
    "2024-02-29T12:00:00",
    "2024-02-29T12:00Z",
    "2024-02-29T24:00:00Z",
    "2024-02-29T12:60:00Z",
    "2024-02-29T12:00:61Z",
    "2024-02-29T12:00:00.Z",
    "2024-02-29T12:00:00,5Z",
    "2024-02-29T12:00:00+1:00",
    "2024-02-29T12:00:00+24:00",
    "2024-02-29T12:00:00+01:60",
    "2024-02-29T12:00:00 Europe/Berlin",
    "+275760-09-13T00:00:00Z",
    "-2024-02-29T12:00:00Z",
    " 2024-02-29",
    "2024-02-29\n",
    "２０２４-02-29",
  ])("refuses %j", (text) => {
    expect(parseInstant(text)).toBeNull();
  });

  it("asks what a bare day means", () => {
    const asked: number[][] = [];
    expect(parseInstant("2024-02-29", (...day) => asked.push(day))).toBe(1);
    expect(asked).toEqual([[2024, 1, 29]]);
  });

  it("reads back every instant that formatInstant writes", () => {
    fc.assert(
      fc.property(fc.integer({ min: Date.UTC(1000, 0, 1), max: Date.UTC(9999, 11, 31) }), (ms) => {
        expect(parseInstant(formatInstant(ms))).toBe(ms);
      }),
    );
  });

  it("agrees on one instant under any offset", () => {
    const minutes = fc.integer({ min: -(23 * 60 + 59), max: 23 * 60 + 59 });
    fc.assert(
      fc.property(fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2099, 0, 1) }), minutes, (ms, offset) => {
        const local = new Date(ms + offset * 60_000).toISOString().slice(0, -1);
        const two = (n: number): string => String(n).padStart(2, "0");
        const size = Math.abs(offset);
        const text = `${local}${offset < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
        expect(parseInstant(text)).toBe(ms);
      }),
    );
  });
});
