/**
 * Thousands of seeded inputs to the real Worker: whatever comes, no answer is a 500, none is late, errors say what they
 * are, and good calls beside bad ones are stored once.
 *
 * `npm run test:fuzz` sends 100,000. `FUZZ_INPUTS` and `FUZZ_SEED` choose others; `FUZZ_ONLY` sends one number alone.
 */
import { isUtf8 } from "node:buffer";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { bodiesOf, scenarios } from "../captures.ts";
import { type Description, describedBy } from "../http/described.ts";
import { createCalls } from "./calls.ts";
import { type Draw, drawFrom } from "./draw.ts";
import type { Input } from "./input.ts";
import { judge } from "./oracle.ts";
import { createRoutes } from "./routes.ts";
import { startTarget, type Target } from "./target.ts";

const INPUTS = Number(process.env["FUZZ_INPUTS"] ?? 5_000);
const SEED = process.env["FUZZ_SEED"] ?? "1";
const ONLY = process.env["FUZZ_ONLY"];
const AT_ONCE = 12;
const CRON_EVERY = 500;
/** The long form tells how far it is. */
const IS_LONG = process.env["FUZZ_INPUTS"] !== undefined;
const TOLD_EVERY = 10_000;
/** Of inputs to routes; all others are bodies of calls. */
const ROUTES_SHARE = 0.4;
/** At least so many inputs of each kind must be taken. Without that they would not get far. */
const TAKEN_SHARE = 0.25;
/** There are dead letters in queue mode only, the fuzzer has no cookies, and its Worker no files. */
const NEVER_TAKEN = [
  "DELETE /v1/dead-letters/{id}",
  "DELETE /v1/session",
  "GET /docs",
  "GET /v1/session",
  "POST /v1/doubles/{id}",
];

let target: Target;
let description: Description;
let make: (number: number) => Input;

beforeAll(async () => {
  target = await startTarget(inject("driver"));
  description = describedBy(target.document);
  const calls = createCalls();
  const captured = scenarios().flatMap(bodiesOf);
  const routes = createRoutes(
    target.document,
    target.known,
    captured.map(({ bytes }) => bytes),
  );
  const ofCalls = (draw: Draw, number: number): Input =>
    calls[draw.pick(Object.keys(calls))]!(draw, `${SEED}-${number}`);
  make = (number) => {
    const draw = drawFrom(SEED, number);
    return draw.chance(ROUTES_SHARE) ? routes.make(draw) : ofCalls(draw, number);
  };
}, 120_000);
afterAll(() => target?.[Symbol.asyncDispose]());

it(
  `${INPUTS.toLocaleString("en-US")} inputs of seed ${SEED}`,
  async () => {
    const numbers = ONLY === undefined ? Array.from({ length: INPUTS }, (_, i) => i) : [Number(ONLY)];
    const statuses = new Map<string, Map<number, number>>();
    const faults = new Map<string, { times: number; text: string }>();
    const stored: { good: string; number: number }[] = [];
    const beganMs = performance.now();

    const fault = (kind: string, message: string, text: string): void => {
      const known = `${kind} ${message.replace(/[0-9a-f-]{36}|\d+/g, "#").slice(0, 120)}`;
      const { times } = faults.get(known) ?? { times: 0 };
      faults.set(known, { times: times + 1, text: faults.get(known)?.text ?? text });
    };
    const sendOne = async (number: number): Promise<void> => {
      const input = make(number);
      let id = "";
      try {
        const answer = await target.send(input);
        id = answer.headers["x-request-id"] ?? "";
        const byStatus = statuses.get(input.kind) ?? new Map<number, number>();
        statuses.set(input.kind, byStatus.set(answer.status, (byStatus.get(answer.status) ?? 0) + 1));
        await judge(input, answer, description);
        if (answer.status < 300) stored.push(...input.goods.map((good) => ({ good, number })));
      } catch (error) {
        const { message } = error as Error;
        fault(input.kind, message, `${message}\n${describe(number, input)}\n${await target.logged(id)}`);
      }
    };
    const queue = numbers.values();
    const sendAll = async (): Promise<void> => {
      for (const number of queue) {
        await sendOne(number);
        if (number % CRON_EVERY === CRON_EVERY - 1) await cron();
        if (IS_LONG && number % TOLD_EVERY === TOLD_EVERY - 1)
          console.error(`${number + 1} inputs, ${faults.size} kinds of faults`);
      }
    };
    const cron = async (): Promise<void> => {
      const { status, body } = await target.cron();
      if (status !== 200) fault("cron", `${status}`, String(body));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, sendAll));
    await cron();

    const seconds = ((performance.now() - beganMs) / 1_000).toFixed(1);
    if (IS_LONG) console.error(`${seconds} s\n${table(statuses)}`);
    const counts = await target.callsByUser(target.ingested);
    for (const { good, number } of stored) {
      const times = counts.get(good) ?? 0;
      if (times === 1) continue;
      const [message, input] = [`a good call is stored ${times} times`, make(number)];
      fault(input.kind, message, `${message}: ${good}\n${describe(number, input)}`);
    }
    const texts = [...faults].map(([, { times, text }]) => `${times} times: ${text}`);
    expect(texts.slice(0, 20).join("\n\n"), `${texts.length} kinds of faults`).toBe("");
    if (ONLY !== undefined) return;

    expect(stored.length).toBeGreaterThan(numbers.length / 4);
    expect(await audit()).toMatchObject({ ok: true });
    const untaken = [...statuses].filter(([kind, byStatus]) => !isTried(kind, byStatus)).map(([kind]) => kind);
    expect(untaken.toSorted()).toEqual(NEVER_TAKEN);
  },
  Math.max(120_000, INPUTS * 40),
);

/** Enough of a kind is taken, and of bodies and parameters also something refused. */
function isTried(kind: string, byStatus: Map<number, number>): boolean {
  const all = [...byStatus.values()].reduce((a, b) => a + b, 0);
  const taken = [...byStatus].reduce((sum, [status, times]) => sum + (status < 300 ? times : 0), 0);
  const isOfCalls = !kind.includes("/");
  return isOfCalls ? taken >= all * TAKEN_SHARE && taken < all : taken > 0;
}

async function audit(): Promise<unknown> {
  const path = "/v1/audit?from=2026-09-01&to=2026-11-01";
  const { body } = await target.send({ method: "GET", path, headers: {}, body: null, caller: "ingest" });
  return JSON.parse(String(body));
}

/** The input, and how to send it again. */
function describe(number: number, { kind, method, path, headers, caller, body }: Input): string {
  const bytes = Buffer.from(body ?? []);
  const shown = isUtf8(bytes) ? String(bytes) : `base64 ${bytes.toString("base64")}`;
  return [
    `again: FUZZ_SEED=${SEED} FUZZ_ONLY=${number} npm run test:fuzz`,
    `${kind}, as ${caller}: ${method} ${path.slice(0, 2_000)}`,
    JSON.stringify(headers),
    shown.slice(0, 4_000),
  ].join("\n");
}

function table(statuses: Map<string, Map<number, number>>): string {
  const rows = [...statuses].sort().map(([kind, byStatus]) => {
    const counts = [...byStatus].sort(([a], [b]) => a - b).map(([status, times]) => `${status}: ${times}`);
    return `${kind}: ${counts.join(", ")}`;
  });
  return rows.join("\n");
}
