/** Decimals as people type them. They stay text: nothing here becomes a float. */
export type Typed = { decimal: string } | { wrong: string };

/**
 * The API's form of a typed decimal: `.15` -> `0.15`. Where the meaning is in doubt it says so. What else may be wrong,
 * the API says.
 */
export function readDecimal(typed: string): Typed {
  const text = typed.trim().replace(/^\$\s*/, "");
  if (text.includes(",")) return { wrong: commaSentence(text) };
  if (/^\d*\.?\d+e[+-]?\d+$/i.test(text)) return { wrong: "Write the number out, without an exponent." };
  if (/^\.\d+$/.test(text)) return { decimal: `0${text}` };
  if (/^\d+\.$/.test(text)) return { decimal: text.slice(0, -1) };
  return { decimal: text };
}

/** A comma may stand before decimals or between thousands, so it is never guessed. */
function commaSentence(text: string): string {
  const [whole = "", fraction = ""] = text.split(",");
  if (/^\d*,\d+$/.test(text) && fraction.length !== 3)
    return `Write ${whole || "0"}.${fraction}, with a point: a comma could also separate thousands.`;
  return `Write ${text.replaceAll(",", "")}, or a point before the decimals: a comma is not clear.`;
}
