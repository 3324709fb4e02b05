/**
 * How the catalogue says which names mean a model. Its rules accept any name that begins with or contains a text; here
 * a name must be known whole, or be a dated or versioned form of a known one.
 */
import type { MatchLogic, ModelInfo } from "@pydantic/genai-prices";
import { isVersionOf } from "./names.ts";

/** Tells whether a rule accepts a name. `name` is in lower case. */
export function matches(rule: MatchLogic, name: string): boolean {
  if ("or" in rule) return rule.or.some((part) => matches(part, name));
  if ("and" in rule) return rule.and.every((part) => matches(part, name));
  if ("equals" in rule) return name === rule.equals.toLowerCase();
  if ("starts_with" in rule) return name.startsWith(rule.starts_with.toLowerCase());
  if ("ends_with" in rule) return name.endsWith(rule.ends_with.toLowerCase());
  if ("contains" in rule) return name.includes(rule.contains.toLowerCase());
  return "regex" in rule && new RegExp(rule.regex).test(name);
}

interface Known {
  text: string;
  /** True if the catalogue says that more may follow. */
  beginning: boolean;
}

/** The texts in a rule, and its regular expressions. */
function collect(rule: MatchLogic, known: Known[], patterns: RegExp[]): void {
  if ("or" in rule) for (const part of rule.or) collect(part, known, patterns);
  else if ("and" in rule) for (const part of rule.and) collect(part, known, patterns);
  else if ("regex" in rule) patterns.push(new RegExp(rule.regex));
  else {
    const [[kind, text]] = Object.entries(rule) as [[string, string]];
    known.push({ text: text.toLowerCase(), beginning: kind === "starts_with" || kind === "contains" });
  }
}

/** Finds models by name. Of several, a whole name comes first, then the longest beginning. */
export function createIndex(models: readonly ModelInfo[]): (name: string) => ModelInfo | null {
  const whole = new Map<string, ModelInfo>();
  const known: (Known & { info: ModelInfo })[] = [];
  const patterns: { pattern: RegExp; info: ModelInfo }[] = [];
  for (const info of models) {
    const texts: Known[] = [];
    const expressions: RegExp[] = [];
    collect(info.match, texts, expressions);
    // Some ids are the catalogue's own, and no model's name.
    const id = info.id.toLowerCase();
    if (matches(info.match, id)) texts.push({ text: id, beginning: false });
    for (const text of texts) {
      if (!whole.has(text.text)) whole.set(text.text, info);
      known.push({ ...text, info });
    }
    patterns.push(...expressions.map((pattern) => ({ pattern, info })));
  }
  known.sort((a, b) => b.text.length - a.text.length);

  return (name) =>
    whole.get(name) ??
    // A snapshot may have a price of its own, however its date is written.
    whole.get(name.replace(/-(20\d\d)(\d\d)(\d\d)(?=-|:|$)/, "-$1-$2-$3")) ??
    whole.get(name.replace(/-(20\d\d)-(\d\d)-(\d\d)(?=-|:|$)/, "-$1$2$3")) ??
    patterns.find(({ pattern }) => pattern.exec(name)?.[0] === name)?.info ??
    known.find(
      ({ text, beginning, info }) => isVersionOf(text, name, beginning) && (!beginning || matches(info.match, name)),
    )?.info ??
    null;
}
