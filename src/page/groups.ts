/** Values that calls are grouped by, as rows of a summary carry them. They are whatever callers sent: text, never markup. */

/** The value of a row's group key. Null: its calls have none. */
export function rowValue(row: object, key: string): string | null {
  const value = (row as Readonly<Record<string, unknown>>)[key];
  return typeof value === "string" ? value : null;
}

/** As it is shown. */
export function groupName(value: string | null): string {
  if (value === null) return "(none)";
  return value.trim() === "" ? "(empty)" : value;
}
