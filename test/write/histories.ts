/** Histories of calls in tests: orders of them, splits into bodies, and what a ledger makes of them. */
import fc from "fast-check";
import type { Database } from "../../src/db/client.ts";
import type { Call, Link } from "../../src/ledger/call.ts";
import { deleteTrace } from "../../src/traces/delete.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { priced, trace } from "../calls.ts";
import { newProject } from "../ledger.ts";
import { decided } from "./decided.ts";

export const START_MS = Date.UTC(2025, 8, 1, 12);
export const MINUTE_MS = 60_000;

export type Sent = { call: Call } | { link: Link };

export const alone = (name: string, atMs: number, changes: Partial<Call> = {}): Sent => ({
  call: trace({ startedAtMs: START_MS + atMs, clientId: name, responseId: "resp_1", ...changes }),
});

/** Sends the bodies in order, then deletes. Returns the project. */
export async function sentTo(
  db: Database,
  bodies: readonly (readonly Sent[])[],
  deleted: readonly Sent[] = [],
): Promise<string> {
  const project = await newProject(db);
  for (const body of bodies) {
    const calls = body.flatMap((sent) => ("call" in sent ? [priced(sent.call)] : []));
    const links = body.flatMap((sent) => ("link" in sent ? [sent.link] : []));
    await writeBatch(db, project, calls, { links });
  }
  for (const sent of deleted) if ("call" in sent) await deleteTrace(db, project, sent.call.id);
  return project;
}

/** Does the same, then lets cron decide what it holds. Returns what counts, and whose it is. */
export async function ledgerOf(
  db: Database,
  bodies: readonly (readonly Sent[])[],
  deleted: readonly Sent[] = [],
): Promise<unknown> {
  return await decided(db, await sentTo(db, bodies, deleted));
}

export function counted(ledger: unknown): string[] {
  const rows = ledger as { client_id: string; billable: boolean }[];
  return rows.flatMap((row) => (row.billable ? [row.client_id] : []));
}

/** An order of the items, and how many of them go in each body. */
export function orderOf<T>(items: readonly T[]): fc.Arbitrary<T[][]> {
  return fc
    .tuple(
      fc.shuffledSubarray([...items], { minLength: items.length }),
      fc.array(fc.integer({ min: 1, max: items.length }), { minLength: items.length, maxLength: items.length }),
    )
    .map(([shuffled, sizes]) => {
      const bodies: T[][] = [];
      for (let at = 0; at < shuffled.length; at += sizes[bodies.length - 1]!)
        bodies.push(shuffled.slice(at, at + sizes[bodies.length]!));
      return bodies;
    });
}

/** All orders of a few items, with all splits of each. */
export function* everyOrder<T>(items: readonly T[]): Generator<T[][]> {
  if (items.length === 0) yield [];
  for (const [at, item] of items.entries()) {
    for (const rest of everyOrder(items.toSpliced(at, 1))) {
      yield [[item], ...rest];
      const [first, ...others] = rest;
      if (first) yield [[item, ...first], ...others];
    }
  }
}
