/** CSV in the form of RFC 4180. It is safe to open in a spreadsheet: no text that callers sent begins a formula. */

export interface CsvColumn {
  name: string;
  /** True if callers sent the value. Values that the ledger made are written unchanged. */
  text: boolean;
}

/** Spreadsheets of some languages take full-width signs for the others. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
const NEEDS_QUOTES = /[",\r\n]/;

export function csvHeader(columns: readonly CsvColumn[]): string {
  return columns.map(({ name }) => cell(name, true)).join(",") + "\r\n";
}

/** One line, with the values in the order of their columns. A null is an empty cell; an object is JSON. */
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
