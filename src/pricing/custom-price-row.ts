/** Custom prices as rows of the database, as the API shows them, and as they are asked for. */
import { z } from "zod";
import { BUCKETS, type Bucket, CONTENTS, FEE_BUCKETS, isFee, TOKEN_BUCKETS } from "../ledger/buckets.ts";
import { picoToUsd } from "../money.ts";
import { count, id, time, usd } from "../wire.ts";
import {
  patternOf,
  readPattern,
  type CustomPrice,
  type ModelName,
  type Pattern,
  type UnitPrices,
} from "./custom-price.ts";
import { canonicalProvider } from "./provider.ts";
import { ratio } from "./ratio.ts";

const unitPrices = <B extends Bucket>(buckets: readonly [B, ...B[]]) => z.partialRecord(z.enum(buckets), usd);
const byTier = z.record(z.string(), z.string());

/** A custom price as the API shows it. */
export const ShownPrice = z
  .object({
    id,
    project_id: id.nullable().describe("Null for a global price, which holds for every project."),
    provider: z.string().nullable().describe("Null covers every provider."),
    model: z.string().describe("The whole name, or a pattern that begins or ends with `*`."),
    match: z.enum(["exact", "prefix", "suffix"]),
    aliases: z.array(z.string()).describe("More names and patterns."),
    service_tier: z.string().nullable().describe("Null covers every service tier."),
    starts_at: time,
    ends_at: time.nullable(),
    usd_per_million_tokens: unitPrices(TOKEN_BUCKETS).nullable(),
    usd_per_thousand: unitPrices(FEE_BUCKETS).nullable(),
    steps: z
      .array(z.object({ above_input_tokens: count, usd_per_million_tokens: unitPrices(TOKEN_BUCKETS) }))
      .nullable(),
    factor: z.string().nullable(),
    multipliers: z.object({ service_tier: byTier.optional(), inference_geo: byTier.optional() }).nullable(),
    same_as: z.object({ provider: z.string(), model: z.string() }).nullable(),
    created_at: time,
  })
  .meta({ id: "Price" });
export type ShownPrice = z.infer<typeof ShownPrice>;

type Row = Readonly<Record<string, unknown>>;

export type UnitPico = Partial<Record<Bucket, bigint>>;

/** Decimals by part of a service tier, and by place. */
export type Multipliers = NonNullable<ShownPrice["multipliers"]>;

/** A price to be added. Unit prices are in pico-USD per unit. */
export interface NewPrice extends Pattern {
  provider: string | null;
  aliases: readonly Pattern[];
  serviceTier: string | null;
  startsAtMs: number;
  endsAtMs: number | null;
  unitPico: UnitPico | null;
  /** Ascending. */
  steps: readonly { above: number; unitPico: UnitPico }[];
  factor: string | null;
  multipliers: Multipliers | null;
  sameAs: ModelName | null;
}

const PICO = BUCKETS.map((bucket) => `${bucket}_pico`);
const SAID = ["provider", "model", "match", "aliases", "service_tier", "starts_at", "ends_at", ...PICO] as const;
export const FIELDS = [
  "project_id",
  "id",
  ...SAID,
  "steps",
  "factor",
  "multipliers",
  "same_as_provider",
  "same_as_model",
];

/** The unit that custom prices are said for. */
export const saidPer = (bucket: Bucket): bigint => (isFee(bucket) ? 1_000n : 1_000_000n);

export function stepsJson({ steps }: NewPrice): string | null {
  if (steps.length === 0) return null;
  const said = (unitPico: UnitPico) => Object.fromEntries(Object.entries(unitPico).map(([k, v]) => [k, String(v)]));
  return JSON.stringify(steps.map(({ above, unitPico }) => ({ above, unit_pico: said(unitPico) })));
}

interface StoredStep {
  above: number;
  unit_pico: Partial<Record<Bucket, string>>;
}

/** @param global whether the row is of every project. */
export function readPrice(row: Row, global: boolean): CustomPrice {
  const said = PICO.map((name) => (row[name] === null ? null : BigInt(String(row[name]))));
  const steps = (row["steps"] as StoredStep[] | null) ?? [];
  const factor = row["factor"] === null ? null : ratio(String(row["factor"]));
  const sameAs = readSameAs(row);
  const fromElsewhere = factor !== null || sameAs !== null || said.every((unit) => unit === null);
  return {
    id: String(row["id"]),
    global,
    provider: row["provider"] === null ? null : canonicalProvider(String(row["provider"])),
    model: String(row["model"]),
    match: row["match"] as CustomPrice["match"],
    aliases: ((row["aliases"] as string[] | null) ?? []).map(readPattern),
    serviceTier: row["service_tier"] as string | null,
    startsAtMs: (row["starts_at"] as Date).getTime(),
    endsAtMs: (row["ends_at"] as Date | null)?.getTime() ?? null,
    unitPico: fromElsewhere ? null : withFallbacks(said),
    steps: steps.map((_, i) => ({ above: steps[i]!.above, unitPico: withFallbacks(atStep(said, steps, i)) })),
    fees: fromElsewhere ? said : null,
    factor,
    multipliers: new Map(Object.entries(partsOf(row)).map(([part, by]) => [part, ratio(by)])),
    sameAs,
  };
}

/** The prices at a step: a bucket that it does not name keeps its price. */
function atStep(said: UnitPrices, steps: readonly StoredStep[], last: number): UnitPrices {
  return BUCKETS.map((bucket, i) => {
    const own = steps.slice(0, last + 1).findLast(({ unit_pico }) => unit_pico[bucket] !== undefined);
    return own ? BigInt(own.unit_pico[bucket]!) : said[i]!;
  });
}

function partsOf(row: Row): Record<string, string> {
  const { service_tier: tiers, inference_geo: places } = (row["multipliers"] as Multipliers | null) ?? {};
  return { ...tiers, ...places };
}

function withFallbacks(unitPico: UnitPrices): UnitPrices {
  return BUCKETS.map((bucket, i) => {
    const instead = CONTENTS[bucket].instead;
    return unitPico[i] ?? (instead === undefined ? null : (unitPico[BUCKETS.indexOf(instead)] ?? null));
  });
}

function readSameAs(row: Row): ModelName | null {
  const { same_as_provider: provider, same_as_model: model } = row;
  return model === null ? null : { provider: canonicalProvider(String(provider)), model: String(model) };
}

export function showPrice(row: Row, global: boolean): ShownPrice {
  const { id, match, aliases, startsAtMs, endsAtMs, ...price } = readPrice(row, global);
  const said = (bucket: Bucket) => row[`${bucket}_pico`] as string | null;
  const steps = row["steps"] as StoredStep[] | null;
  return {
    id,
    project_id: global ? null : String(row["project_id"]),
    provider: price.provider,
    model: patternOf({ model: price.model, match }),
    match,
    aliases: aliases.map(patternOf),
    service_tier: price.serviceTier,
    starts_at: new Date(startsAtMs).toISOString(),
    ends_at: endsAtMs === null ? null : new Date(endsAtMs).toISOString(),
    usd_per_million_tokens: showUnits(TOKEN_BUCKETS, said),
    usd_per_thousand: showUnits(FEE_BUCKETS, said),
    steps:
      steps?.map(({ above, unit_pico }) => ({
        above_input_tokens: above,
        usd_per_million_tokens: showUnits(TOKEN_BUCKETS, (bucket) => unit_pico[bucket] ?? null) ?? {},
      })) ?? null,
    factor: row["factor"] === null ? null : String(row["factor"]),
    multipliers: row["multipliers"] as Multipliers | null,
    same_as: price.sameAs,
    created_at: (row["created_at"] as Date).toISOString(),
  };
}

function showUnits<B extends Bucket>(
  buckets: readonly B[],
  picoOf: (bucket: B) => string | null,
): Partial<Record<B, string>> | null {
  const units = buckets.flatMap((bucket) => {
    const pico = picoOf(bucket);
    return pico === null ? [] : [[bucket, picoToUsd(BigInt(String(pico)) * saidPer(bucket))] as const];
  });
  return units.length === 0 ? null : (Object.fromEntries(units) as Partial<Record<B, string>>);
}
