/** What `npm run doctor` prints: aligned text with advice below what is not ok, or JSON. */
import { counted, type Finding, type State } from "./check.ts";
import type { Subject } from "./subject.ts";

const SYMBOL: Readonly<Record<State, string>> = { ok: "✓", warning: "!", failed: "✗", skipped: "-" };
const STATES = ["ok", "warning", "failed", "skipped"] as const;
const GROUPS: Readonly<Record<string, string>> = {
  configuration: "Configuration",
  worker: "Worker",
  database: "Database",
  redis: "Redis",
  ledger: "Ledger",
};

export function asText(findings: readonly Finding[], subject: Pick<Subject, "kind" | "url">, seconds: number): string {
  const width = Math.max(...findings.map(({ title }) => title.length));
  const groups = Map.groupBy(findings, ({ id }) => id.slice(0, id.indexOf(".")));
  const blocks = [...groups].map(([group, members]) => {
    // Advice that holds for several in a row is said below the last of them.
    const lines = members.flatMap(({ title, state, found, advice }, i) => [
      `  ${SYMBOL[state]} ${state.padEnd(7)}  ${title.padEnd(width)}  ${printable(found)}`,
      ...(advice === null || advice === members[i + 1]?.advice ? [] : [`               ${printable(advice)}`]),
    ]);
    return [GROUPS[group] ?? group, ...lines].join("\n");
  });
  const counts = countsOf(findings);
  const said = STATES.filter((state) => counts[state] > 0).map((state) =>
    state === "warning" ? counted(counts.warning, "warning") : `${counts[state]} ${state}`,
  );
  const headline = `The ${subject.kind} at ${subject.url}`;
  return [headline, ...blocks, `${said.join(", ")}, in ${seconds.toFixed(1)} s`].join("\n\n");
}

export function asJson(
  findings: readonly Finding[],
  { kind, url }: Pick<Subject, "kind" | "url">,
  atMs: number,
): string {
  const counts = countsOf(findings);
  const at = new Date(atMs).toISOString();
  return JSON.stringify({ ok: counts.failed === 0, kind, url, at, counts, checks: findings }, null, 2);
}

export function countsOf(findings: readonly Finding[]): Record<State, number> {
  const count = (state: State): number => findings.filter((finding) => finding.state === state).length;
  return { ok: count("ok"), warning: count("warning"), failed: count("failed"), skipped: count("skipped") };
}

/** Names of keys are chosen by callers: what would move the cursor is shown as a code. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
}
