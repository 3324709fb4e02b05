/** What is wrong with the database, or may become so, and what to do about it. */
import { z } from "zod";

export const SEVERITIES = ["critical", "warning", "info"] as const;

export const Finding = z.object({
  severity: z
    .enum(SEVERITIES)
    .describe(
      "`critical` loses data or stops the ledger soon, `warning` makes it slow, `info` is worth knowing about.",
    ),
  code: z.string().describe("What kind of finding it is, in snake_case."),
  subject: z.string().nullable().describe("The table, index, statement, session or setting that it is about."),
  advice: z.string().describe("What was found, and what to do."),
});

export type Finding = z.infer<typeof Finding>;

/** The most urgent first. */
export function bySeverity(findings: readonly Finding[]): Finding[] {
  const rank = ({ severity }: Finding): number => SEVERITIES.indexOf(severity);
  return findings.toSorted((a, b) => rank(a) - rank(b));
}

const UNITS = ["bytes", "kB", "MB", "GB", "TB", "PB"];

/** `1.5 GB`, in powers of 1024 as Postgres has them. */
export function sizeText(bytes: number): string {
  const sign = bytes < 0 ? "-" : "";
  let value = Math.abs(bytes);
  let unit = 0;
  while (value >= 1_024 && unit < UNITS.length - 1) {
    value /= 1_024;
    unit++;
  }
  return `${sign}${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** `5 s`, `3 min`, `2 h`, `4 days`. */
export function durationText(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 2 * 86_400) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

export function shareText(share: number): string {
  return `${(share * 100).toFixed(share > 0.995 || share < 0.01 ? 1 : 0)}%`;
}
