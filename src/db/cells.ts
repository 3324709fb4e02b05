/** Rows as Neon sends them, as text, converted to the values that `pg` gives by default. */
import { types } from "@neondatabase/serverless";
import type { Row } from "./driver.ts";
import { shapeOf } from "./shape.ts";

/** The answer to one statement. */
export interface TextRows {
  fields: readonly { name: string; dataTypeID: number }[];
  rows: readonly (readonly (string | null)[])[];
}

type Read = (text: string) => unknown;

const TIMESTAMPTZ = 1184;
/** Converters of the types that most cells have. The library has those of all others. */
const READ = new Map<number, Read>([
  [16, (text) => text === "t"],
  [20, (text) => text],
  [21, Number],
  [23, Number],
  [25, (text) => text],
  [701, Number],
  [1700, (text) => text],
  [2950, (text) => text],
  [TIMESTAMPTZ, instantOf],
]);

export function rowsOf({ fields, rows }: TextRows): Row[] {
  if (rows.length === 0) return [];
  const names = fields.map(({ name }) => name);
  const read = fields.map(({ dataTypeID }) => READ.get(dataTypeID) ?? (types.getTypeParser(dataTypeID) as Read));
  const shape = shapeOf(names);
  // The last of columns with one name wins, also with a null.
  const hasTwins = Object.keys(shape).length < names.length;
  return rows.map((cells) => {
    const row: Row = { ...shape };
    for (let i = 0; i < cells.length; i++) {
      const text = cells[i]!;
      if (text !== null) row[names[i]!] = read[i]!(text);
      else if (hasTwins) row[names[i]!] = null;
    }
    return row;
  });
}

const ZERO = 48;
const [MINUS, COLON] = [45, 58];

/** `2026-11-30 09:52:35.123456+00`, as a session in UTC writes it. Digits beyond a millisecond are cut off. */
function instantOf(text: string): unknown {
  const end = text.length - 3;
  const isPlain =
    text.charCodeAt(4) === MINUS &&
    text.charCodeAt(16) === COLON &&
    text[0] !== "0" &&
    text.endsWith("+00") &&
    end <= 26;
  if (!isPlain) return (types.getTypeParser(TIMESTAMPTZ) as Read)(text);
  const digit = (at: number): number => text.charCodeAt(at) - ZERO;
  const two = (at: number): number => digit(at) * 10 + digit(at + 1);
  let ms = 0;
  for (let i = 20, unit = 100; i < end && unit >= 1; i++, unit /= 10) ms += digit(i) * unit;
  return new Date(Date.UTC(two(0) * 100 + two(2), two(5) - 1, two(8), two(11), two(14), two(17), ms));
}
