/** The flags of `npm run capacity`. */
import { parseArgs } from "node:util";
import { CommandError } from "../command.ts";
import { benchPayloadBytes, SHIPPED_CALIBRATION } from "./calibration.ts";
import { isPriceName, LIST_PRICES, type Prices } from "./prices.ts";
import { isRegion, type Region, REGION_NAMES } from "./regions.ts";
import type { Scenario } from "./scenario.ts";
import { type Tier, TIERS } from "./tiers.ts";

export interface CapacityOptions {
  scenarios: { name: string; scenario: Scenario }[];
  /** One table instead of a report. */
  tiers: boolean;
  cores: number | undefined;
  prices: Prices;
  calibration: string;
  json: string | undefined;
}

export const CAPACITY_HELP = `Simulates a day of so many traces, and says what it takes and costs.

  npm run capacity -- --traces-per-day N [flags]
  npm run capacity -- --tiers [flags]

  --traces-per-day N  10000, 10k, 1M, 10B
  --tiers             ${TIERS.map(({ name }) => name).join(", ")}, in one table
  --regions LIST      where callers are, with their weights: us-east:2,eu-west:1; the database is in the first;
                      of ${REGION_NAMES.join(", ")}; default us-east
  --read-rate N       summaries a second, on average; default 1
  --cache-hits SHARE  of summaries, 0 to 1; default 0.8
  --payload-bytes N   JSON bytes of a trace; default ${benchPayloadBytes()}
  --batch N           traces a request, at most (an exporter's batch); default 100
  --history-days N    how long traces are kept; default 90
  --groups N          combinations of dimensions and label values in an hour; default 50000
  --mode MODE         direct or queue; default direct
  --replica           summaries are answered by a read replica
  --cores N           CU of the one Postgres; default the smallest that carries the day
  --seed TEXT         other arrivals of the same kind; default 1
  --price NAME=USD    instead of the list price; repeatable; of
                      ${Object.keys(LIST_PRICES).join(", ")}
  --calibration FILE  of npm run bench -- --json FILE; default the shipped one
  --json FILE         everything, for other programs`;

/** @throws CommandError that names the flag which is wrong. Undefined: help was asked for. */
export function parseCapacityArgs(args: readonly string[]): CapacityOptions | undefined {
  const values = read(args);
  if (values.help) return undefined;
  const own: Partial<Scenario> = {
    ...(values["read-rate"] === undefined ? {} : { readsPerSecond: amount("--read-rate", values["read-rate"]) }),
    ...(values.batch === undefined ? {} : { batch: wholeNumber("--batch", values.batch, 5_000) }),
    ...(values.groups === undefined ? {} : { groups: amount("--groups", values.groups) }),
    ...(values.mode === undefined ? {} : { mode: modeOf(values.mode) }),
    ...(values.regions === undefined ? {} : { regions: regionsOf(values.regions) }),
    cacheHits: share("--cache-hits", values["cache-hits"]),
    payloadBytes: payloadOf(values["payload-bytes"]),
    historyDays: wholeNumber("--history-days", values["history-days"], 10_000),
    replica: values.replica,
    seed: values.seed,
  };
  return {
    scenarios: scenariosOf(values, own),
    tiers: values.tiers,
    cores: values.cores === undefined ? undefined : amount("--cores", values.cores),
    prices: pricesOf(values.price),
    calibration: values.calibration,
    json: values.json,
  };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        "traces-per-day": { type: "string" },
        tiers: { type: "boolean", default: false },
        regions: { type: "string" },
        "read-rate": { type: "string" },
        "cache-hits": { type: "string", default: "0.8" },
        "payload-bytes": { type: "string" },
        batch: { type: "string" },
        "history-days": { type: "string", default: "90" },
        groups: { type: "string" },
        mode: { type: "string" },
        replica: { type: "boolean", default: false },
        cores: { type: "string" },
        seed: { type: "string", default: "1" },
        price: { type: "string", multiple: true, default: [] },
        calibration: { type: "string", default: SHIPPED_CALIBRATION },
        json: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    throw new CommandError((error as Error).message);
  }
}

const OTHERWISE: Omit<Tier, "name" | "tracesPerDay"> = {
  readsPerSecond: 1,
  batch: 100,
  groups: 50_000,
  mode: "direct",
  regions: ["us-east"],
};

function scenariosOf(
  { tiers, "traces-per-day": traces }: { tiers: boolean; "traces-per-day"?: string | undefined },
  own: Partial<Scenario>,
): CapacityOptions["scenarios"] {
  if (tiers === (traces !== undefined)) throw new CommandError("Say either --traces-per-day or --tiers.");
  const asked = tiers ? TIERS : [{ ...OTHERWISE, name: traces!, tracesPerDay: amount("--traces-per-day", traces!) }];
  return asked.map(({ name, regions, ...tier }) => ({
    name,
    scenario: { ...tier, regions: evenly(regions), ...own } as Scenario,
  }));
}

const evenly = (names: readonly Region["name"][]): Region[] => names.map((name) => ({ name, share: 1 / names.length }));

function regionsOf(text: string): Region[] {
  const weighted = text.split(",").map((part) => {
    const [name = "", weight = "1"] = part.trim().split(":");
    if (!isRegion(name)) throw new CommandError(`--regions knows ${REGION_NAMES.join(", ")}, not "${name}".`);
    return { name, share: amount("--regions", weight) };
  });
  if (new Set(weighted.map(({ name }) => name)).size < weighted.length) {
    throw new CommandError("--regions has a region twice.");
  }
  const sum = weighted.reduce((all, { share }) => all + share, 0);
  return weighted.map(({ name, share }) => ({ name, share: share / sum }));
}

function pricesOf(given: readonly string[]): Prices {
  const prices: Prices = { ...LIST_PRICES };
  for (const part of given) {
    const [name = "", usd = ""] = part.split("=");
    if (!isPriceName(name)) throw new CommandError(`--price knows ${Object.keys(prices).join(", ")}, not "${name}".`);
    if (!/^\d+(\.\d+)?$/.test(usd)) throw new CommandError(`--price ${name} needs USD, as ${name}=0.25.`);
    prices[name] = { ...prices[name], usd: Number(usd) };
  }
  return prices;
}

const SUFFIXES: Record<string, number> = { "": 1, k: 1e3, m: 1e6, b: 1e9 };

/** 250, 0.5, 10k, 10M, 10B. */
function amount(flag: string, text: string): number {
  const [, digits, suffix = ""] = /^(\d+(?:\.\d+)?)([kmb]?)$/i.exec(text) ?? [];
  const value = Number(digits) * SUFFIXES[suffix.toLowerCase()]!;
  if (!(value > 0)) throw new CommandError(`${flag} must be a number above 0, as 250, 10k, 10M or 10B, not "${text}".`);
  if (value > 1e12) throw new CommandError(`${flag} goes up to 1000B, not "${text}".`);
  return value;
}

function wholeNumber(flag: string, text: string, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new CommandError(`${flag} must be a whole number from 1 to ${most}, not "${text}".`);
  }
  return value;
}

/** A queue's message holds at least one trace. */
const payloadOf = (text: string | undefined): number =>
  text === undefined ? benchPayloadBytes() : wholeNumber("--payload-bytes", text, 128_000);

function share(flag: string, text: string): number {
  const value = Number(text);
  if (text === "" || !(value >= 0 && value <= 1)) throw new CommandError(`${flag} must be from 0 to 1, not "${text}".`);
  return value;
}

function modeOf(text: string): Scenario["mode"] {
  if (text !== "direct" && text !== "queue") throw new CommandError(`--mode is direct or queue, not "${text}".`);
  return text;
}
