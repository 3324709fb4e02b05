/**
 * What the people of a plan used of it, for each billing period: what an API would have billed for their calls that a
 * plan covers, beside the price of the seat. Periods are whole UTC days, so day rows and partial rows answer exactly.
 */
import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Database } from "../db/client.ts";
import { instantAt } from "../db/sql.ts";
import { ApiError } from "../errors.ts";
import { MEASURES } from "../ledger/measures.ts";
import { picoToUsd } from "../money.ts";
import { rounded } from "../pricing/ratio.ts";
import { readWindows } from "../summary/parts.ts";
import type { Period, SummaryQuery } from "../summary/query.ts";
import { summaryStatement } from "../summary/statement.ts";
import { windowsOf } from "../summary/windows.ts";
import { zoneOf } from "../summary/zone.ts";
import { count, time, usd } from "../wire.ts";
import { type Billed, periodsOf } from "./periods.ts";
import { Plan, showPlan, type StoredPlan } from "./plan.ts";

/** The most people that an answer has, over its periods. */
const MAX_PEOPLE = 20_000;

const worth = z
  .string()
  .regex(/^\d+(?:\.\d{0,3}[1-9])?$/)
  .nullable()
  .describe(
    "The cost as a multiple of the price, rounded to four decimals: from 1 on it was worth its price. Null without a cost, or at a price of 0.",
  );
const covered = {
  requests: count.describe("Calls that a plan covers."),
  unpriced_requests: count.describe("Those of them without a price."),
  cost_usd: usd
    .nullable()
    .describe("What an API would have billed for them. Null if there are some and none has a price."),
};
const shared = {
  price_usd: usd.describe("The price of all seats."),
  ...covered,
  worth,
  unused_seats: count.describe("Seats of people without any such call."),
  unused_usd: usd.describe("The price of these seats."),
};

export const PlanUse = z
  .object({
    plan: Plan,
    as_of: time,
    capped: z
      .literal(true)
      .exactOptional()
      .describe(
        "On some day the project had too many users to tell all of them apart. Then people may have used more.",
      ),
    totals: z.object(shared).describe("The sums of the periods."),
    periods: z.array(
      z.object({
        from: time,
        to: time,
        open: z.boolean().describe("Is the period still running? Its price is that of the whole period."),
        ...shared,
        people: z
          .array(z.object({ user: z.string(), price_usd: usd, ...covered, worth }))
          .describe("Everyone with a seat, the highest cost first. Without any call, `requests` is 0."),
      }),
    ),
  })
  .meta({ id: "PlanUse" });
export type PlanUse = z.infer<typeof PlanUse>;

interface Used {
  requests: bigint;
  unpriced: bigint;
  costPico: bigint;
}

const NOTHING: Used = { requests: 0n, unpriced: 0n, costPico: 0n };
const READ = MEASURES.filter(({ name }) => ["requests", "unpriced_requests", "cost_pico"].includes(name));

/**
 * The billing periods of the plan that touch the range, each as a whole, as far as they have begun.
 *
 * @throws ApiError `too_many_rows` if they have too many people.
 */
export async function readPlanUse(
  db: Database,
  projectId: string,
  plan: StoredPlan,
  range: Period,
  nowMs: number,
): Promise<PlanUse> {
  const most = Math.max(1, Math.floor(MAX_PEOPLE / Math.max(1, plan.users.length)));
  const periods = periodsOf(plan, range, nowMs, most);
  if (periods.length > most) {
    const detail = `more than ${MAX_PEOPLE.toLocaleString("en-US")} people in all periods; ask for a shorter range`;
    throw new ApiError("too_many_rows", detail, { parameter: "from" });
  }
  const [used, capped] = periods.length === 0 ? [[], false] : await readUsed(db, projectId, plan.users, periods);
  const shown = periods.map((period, i) => showPeriod(plan, period, used[i]!, nowMs));
  return {
    plan: showPlan(plan),
    as_of: new Date(nowMs).toISOString(),
    ...(capped && { capped }),
    totals: shownSums(plan, periods.length, used),
    periods: shown,
  };
}

/** For each period what each user used. */
async function readUsed(
  db: Database,
  projectId: string,
  users: readonly string[],
  periods: readonly Billed[],
): Promise<[used: Map<string, Used>[], capped: boolean]> {
  const used = periods.map(() => new Map(users.map((user) => [user, NOTHING])));
  if (users.length === 0) return [used, false];
  const [fromMs, toMs] = [periods[0]!.fromMs, periods.at(-1)!.toMs];
  const query: SummaryQuery = {
    fromMs,
    toMs,
    zone: zoneOf("UTC")!,
    interval: "none",
    groupBy: ["user"],
    dimensions: { covered_by: ["plan"] },
    label: { name: "user", values: [...users] },
    include: [],
    order: { key: "cost_usd", descending: true },
    limit: null,
    compare: null,
  };
  const windows = windowsOf(fromMs, toMs, "none", query.zone)!;
  const statement = summaryStatement({
    projectId,
    query,
    windows,
    intervalStartsMs: periods.map((period) => period.fromMs),
    measures: READ,
    maxRows: MAX_PEOPLE + 1,
  });
  for (const row of await readWindows(db, statement, windows)) {
    const [requests, unpriced, costPico] = ["requests", "unpriced_requests", "cost_pico"].map((name) =>
      BigInt(String(row[name])),
    ) as [bigint, bigint, bigint];
    used[Number(row["interval_no"]) - 1]!.set(String(row["value"]), { requests, unpriced, costPico });
  }
  const [row] = await db.query(sql`
    select exists (
      select 1 from crowded_labels
      where project_id = ${projectId}::uuid and label = 'user' and day >= ${instantAt(fromMs)} and day < ${instantAt(toMs)}
    ) as capped`);
  return [used, row!["capped"] === true];
}

function showPeriod(
  plan: StoredPlan,
  { fromMs, toMs }: Billed,
  used: ReadonlyMap<string, Used>,
  nowMs: number,
): PlanUse["periods"][number] {
  const people = [...used].sort(([a, x], [b, y]) =>
    x.costPico === y.costPico ? Number(y.requests - x.requests) || (a < b ? -1 : 1) : x.costPico < y.costPico ? 1 : -1,
  );
  return {
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    open: nowMs < toMs,
    ...shownSums(plan, 1, [used]),
    people: people.map(([user, own]) => ({
      user,
      price_usd: picoToUsd(plan.seatPico),
      ...shownUse(own, plan.seatPico),
    })),
  };
}

function shownSums(
  { seatPico, seats }: StoredPlan,
  periods: number,
  used: readonly ReadonlyMap<string, Used>[],
): z.infer<z.ZodObject<typeof shared>> {
  const all = used.flatMap((period) => [...period.values()]);
  const sum = all.reduce(
    (sum, own) => ({
      requests: sum.requests + own.requests,
      unpriced: sum.unpriced + own.unpriced,
      costPico: sum.costPico + own.costPico,
    }),
    NOTHING,
  );
  const pricePico = seatPico * BigInt(seats) * BigInt(periods);
  const unused = all.filter(({ requests }) => requests === 0n).length;
  return {
    price_usd: picoToUsd(pricePico),
    ...shownUse(sum, pricePico),
    unused_seats: unused,
    unused_usd: picoToUsd(seatPico * BigInt(unused)),
  };
}

function shownUse(
  { requests, unpriced, costPico }: Used,
  pricePico: bigint,
): z.infer<z.ZodObject<typeof covered & { worth: typeof worth }>> {
  const isKnown = requests === 0n || requests > unpriced;
  return {
    requests: Number(requests),
    unpriced_requests: Number(unpriced),
    cost_usd: isKnown ? picoToUsd(costPico) : null,
    worth: isKnown && pricePico > 0n ? worthOf(costPico, pricePico) : null,
  };
}

/** Rounded half-even to four decimals. */
function worthOf(costPico: bigint, pricePico: bigint): string {
  return picoToUsd(rounded({ numerator: costPico * 10_000n, denominator: pricePico }) * 100_000_000n);
}
