/** A plan: seats with a fixed price for each period, and the people who have them. */
import { z } from "zod";
import type { Row } from "../db/client.ts";
import { MAX_TEXT } from "../ledger/call.ts";
import { picoToUsd, usdToPico } from "../money.ts";
import { DAY_MS } from "../time.ts";
import { count, id, time, usd } from "../wire.ts";

export const PERIODS = ["month", "year"] as const;
export type BillingPeriod = (typeof PERIODS)[number];

/** The most people that one plan may name, and the most bytes that their names may have together. */
export const MAX_USERS = 10_000;
const MAX_USERS_BYTES = 1_000_000;
const MAX_NAME = 100;
const MAX_SEAT_USD = 1_000_000n;

export interface NewPlan {
  name: string;
  seatPico: bigint;
  period: BillingPeriod;
  startsAtMs: number;
  endsAtMs: number | null;
  users: string[];
}

const encoder = new TextEncoder();
const characters = (text: string): number => [...text].length;

const seat = z.union([z.string(), z.number()]).transform((value, context) => {
  const pico = String(value).length > 40 ? null : usdToPico(value);
  if (pico !== null && pico <= MAX_SEAT_USD * 10n ** 12n) return pico;
  context.addIssue(
    `must be a decimal of USD from 0 to ${MAX_SEAT_USD.toLocaleString("en-US")}, with at most 12 decimals`,
  );
  return z.NEVER;
});

/** @param instant reads a time of a body as epoch ms. */
export function planBody(instant: z.ZodType<number, string | number>) {
  const day = instant.refine((ms) => ms % DAY_MS === 0, "must be the start of a UTC day");
  return z
    .strictObject({
      name: z
        .string()
        .refine((text) => text !== "" && characters(text) <= MAX_NAME, `must have 1 to ${MAX_NAME} characters`)
        .meta({ minLength: 1, maxLength: MAX_NAME }),
      seat_usd: seat.describe("The price of one seat for one period, as a decimal string."),
      period: z.enum(PERIODS, `must be ${PERIODS.join(" or ")}`),
      from: day.describe("The UTC day on which the first period begins."),
      to: day.nullish().describe("The UTC day before which the plan ends. Null if it goes on."),
      users: z
        .array(z.string().min(1).max(MAX_TEXT))
        .min(1)
        .max(MAX_USERS)
        .refine((users) => new Set(users).size === users.length, "must not name a user twice")
        .refine(
          (users) => encoder.encode(users.join("")).length <= MAX_USERS_BYTES,
          `must have at most ${MAX_USERS_BYTES.toLocaleString("en-US")} bytes together`,
        )
        .describe("The people who have a seat, as calls name their user."),
    })
    .superRefine(({ from, to }, context) => {
      if (typeof to === "number" && to <= from)
        context.addIssue({ code: "custom", path: ["to"], message: "must be after from", input: to });
    });
}

export function newPlan(asked: z.infer<ReturnType<typeof planBody>>): NewPlan {
  const { name, seat_usd: seatPico, period, from: startsAtMs, to, users } = asked;
  return { name, seatPico, period, startsAtMs, endsAtMs: to ?? null, users: users.toSorted() };
}

export const Plan = z
  .object({
    id,
    name: z.string(),
    seat_usd: usd.describe("The price of one seat for one period."),
    period: z.enum(PERIODS),
    from: time,
    to: time.nullable(),
    seats: count.describe("How many seats are paid for. The seat of a user who was erased stays, without a name."),
    users: z.array(z.string()),
    created_at: time,
  })
  .meta({ id: "Plan" });
export type Plan = z.infer<typeof Plan>;

/** What stands for a user who was erased. No user is named so. */
export const ERASED = "";

export interface StoredPlan extends NewPlan {
  id: string;
  /** Beside those of `users`, the seats of erased users. */
  seats: number;
  createdAt: Date;
}

export function readPlan(row: Row): StoredPlan {
  const users = row["users"] as string[];
  return {
    id: String(row["id"]),
    name: String(row["name"]),
    seatPico: BigInt(String(row["seat_pico"])),
    period: row["period"] as BillingPeriod,
    startsAtMs: (row["starts_at"] as Date).getTime(),
    endsAtMs: (row["ends_at"] as Date | null)?.getTime() ?? null,
    users: users.filter((user) => user !== ERASED),
    seats: users.length,
    createdAt: row["created_at"] as Date,
  };
}

export function showPlan(plan: StoredPlan): Plan {
  const { id, name, seatPico, period, startsAtMs, endsAtMs, seats, users, createdAt } = plan;
  return {
    id,
    name,
    seat_usd: picoToUsd(seatPico),
    period,
    from: new Date(startsAtMs).toISOString(),
    to: endsAtMs === null ? null : new Date(endsAtMs).toISOString(),
    seats,
    users,
    created_at: createdAt.toISOString(),
  };
}
