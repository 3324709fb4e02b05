/**
 * The text of a statement without any value. Postgres replaces constants in `pg_stat_statements`, but not in utility
 * statements such as `CREATE ROLE … PASSWORD '…'`, and not in `pg_stat_activity`. Comments go too: tools put values there.
 */
const MOST_CHARS = 1_000;

const TOKEN = new RegExp(
  [
    // A comment to the end of its line; a block comment; one that nests or does not end, with all behind it.
    String.raw`(?<comment>--[^\n]*|/\*(?:(?!/\*|\*/)[\s\S])*\*/|/\*[\s\S]*$)`,
    String.raw`(?<kept>"(?:[^"]|"")*(?:"|$)|\$\d+(?![\w$]))`,
    String.raw`(?<escaped>[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$))`,
    String.raw`(?<quoted>(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*(?:'|$))`,
    String.raw`(?<dollar>\$(?<tag>(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?)\$[\s\S]*?(?:\$\k<tag>\$|$))`,
    String.raw`(?<name>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)`,
    String.raw`(?<number>\d[\w.]*|\.\d[\w.]*)`,
  ].join("|"),
  "g",
);

export function queryText(text: string): string {
  const masked = text.replace(TOKEN, (...found: unknown[]) => {
    const { comment, kept, name } = found.at(-1) as Record<string, string | undefined>;
    if (comment !== undefined) return " ";
    return kept ?? name ?? "?";
  });
  const line = masked.replace(/\s+/g, " ").trim();
  return line.length > MOST_CHARS ? `${line.slice(0, MOST_CHARS)} …` : line;
}
