/** CSV as RFC 4180 has it, and safe to open in a spreadsheet: what callers sent never begins a formula. */

export interface CsvColumn {
  name: string;
  /** What callers sent; all else is ours, and stays as it is. */
  text: boolean;
}

const FORMULA = /^[=+\-@\t\r]/;
const NEEDS_QUOTES = /[",\r\n]/;

export function csvHeader(columns: readonly CsvColumn[]): string {
  return columns.map(({ name }) => cell(name, true)).join(",") + "\r\n";
}

/** A line of values in the order of their columns; null is empty, objects are JSON. */
export function csvLine(columns: readonly CsvColumn[], values: readonly unknown[]): string {
  let line = "";
  for (let i = 0; i < columns.length; i++) line += (i === 0 ? "" : ",") + cell(values[i], columns[i]!.text);
  return `${line}\r\n`;
}

function cell(value: unknown, text: boolean): string {
  if (value === null || value === undefined) return "";
  const plain = typeof value === "object" ? JSON.stringify(value) : String(value);
  const safe = text && FORMULA.test(plain) ? `'${plain}` : plain;
  return NEEDS_QUOTES.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
