/**
 * Runs checks within time limits: each its own, and all of them together. A part that does not answer is reported once;
 * whatever else needs it is skipped. So a dead database gives a verdict after one limit, not after twenty. Parts do not
 * wait for each other.
 */
import { CHECK_MS, type Check, failed, type Finding, skipped, type Verdict } from "./check.ts";
import { HOW_TO_GIVE, secretsOf, type Subject } from "./subject.ts";

/** Each check of the database opens a connection. */
const AT_ONCE = 4;
/** Postgres' code for what the role may not read. */
const NOT_ALLOWED = "42501";

/** @returns a finding for each check, in their order. */
export async function runChecks(checks: readonly Check[], subject: Subject, totalMs: number): Promise<Finding[]> {
  const deadline = AbortSignal.timeout(totalMs);
  const verdicts = new Map<Check, Verdict>();
  const closed = new Map<string, string>();
  const look = async (check: Check): Promise<void> => {
    const verdict = unavailable(check, subject, closed) ?? (await within(check, subject, deadline, totalMs));
    verdicts.set(check, verdict);
    if (check.opens !== undefined && verdict.state === "failed") closed.set(check.opens, check.title);
  };
  const byPart = Map.groupBy(checks, (check) => partsOf(check)[0]);
  await Promise.all(
    [...byPart.values()].map(async (ofPart) => {
      await Promise.all(ofPart.filter(({ opens }) => opens !== undefined).map(look));
      const others = ofPart.filter(({ opens }) => opens === undefined).values();
      const lane = async (): Promise<void> => {
        for (const check of others) await look(check);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, lane));
    }),
  );
  const hide = hider(secretsOf(subject));
  return checks.map((check) => {
    const { state, found, advice } = verdicts.get(check)!;
    return { id: check.id, title: check.title, state, found: hide(found), advice: advice && hide(advice) };
  });
}

/** What a check cannot do without. The first one decides what it waits for. */
function partsOf({ id, needs = [], uses }: Check): readonly string[] {
  return [...(id.startsWith("worker.") ? ["worker"] : []), ...needs, ...(uses === undefined ? [] : [uses])];
}

/** Why a check cannot be made; null if it can. */
function unavailable(check: Check, subject: Subject, closed: Map<string, string>): Verdict | null {
  for (const part of check.needs ?? []) {
    if (subject[part] === null) {
      return subject.kind === "dev stack"
        ? skipped("the dev stack has none", null)
        : skipped("not given", HOW_TO_GIVE[part]);
    }
  }
  const shut = partsOf(check).find((part) => closed.has(part));
  return shut === undefined ? null : skipped("not looked at", `First mend what "${closed.get(shut)!}" says.`);
}

async function within(check: Check, subject: Subject, deadline: AbortSignal, totalMs: number): Promise<Verdict> {
  const limitMs = check.limitMs ?? CHECK_MS;
  const signal = AbortSignal.any([deadline, AbortSignal.timeout(limitMs)]);
  const late = Promise.withResolvers<Verdict>();
  const stop = (): void =>
    late.resolve(
      deadline.aborted
        ? failed(`no verdict within the ${totalMs / 1_000} s of all checks`, "Give them more time: --timeout 120.")
        : failed(`no answer within ${limitMs / 1_000} s`, "See if it is overloaded, or cannot be reached from here."),
    );
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop);
  try {
    return await Promise.race([late.promise, check.run(subject, signal).catch(describe)]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** What it means that a check could not look. */
export function describe(error: unknown): Verdict {
  if ((error as { code?: string }).code === NOT_ALLOWED)
    return skipped(`the role may not read it: ${reason(error)}`, "Run the doctor with the role that migrates.");
  return failed(reason(error), "See if it is up, and if the address and the credentials are right.");
}

/** The innermost words of an error. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return reason(error.cause);
  if (error instanceof AggregateError && error.errors.length > 0) return reason(error.errors[0]);
  return error.message || (error as { code?: string }).code || error.name;
}

/** Passwords may be in what a driver says about an address. */
function hider(secrets: readonly string[]): (text: string) => string {
  return (text) => secrets.reduce((shown, secret) => shown.replaceAll(secret, "***"), text);
}
