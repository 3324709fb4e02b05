/** What the doctor's tests examine: nothing, unless they say what. */
import type { Check, Finding } from "../../scripts/doctor/check.ts";
import { runChecks } from "../../scripts/doctor/run.ts";
import type { Subject } from "../../scripts/doctor/subject.ts";
import { resolve } from "node:path";

export function subjectWith(parts: Partial<Subject>): Subject {
  return {
    kind: "deployment",
    url: "http://127.0.0.1:1",
    adminKey: null,
    apiKey: null,
    metricsToken: null,
    database: null,
    replica: null,
    redis: null,
    folder: resolve(import.meta.dirname, "../.."),
    environment: undefined,
    listSecrets: null,
    auditDays: 1,
    now: Date.now,
    ...parts,
  };
}

/** The one finding with this id. Nothing else is looked at. */
export async function finding(checks: readonly Check[], id: string, parts: Partial<Subject>): Promise<Finding> {
  const check = checks.filter((one) => one.id === id);
  const [found] = await runChecks(check, subjectWith(parts), 20_000);
  return found!;
}
