/** The flags of `npm run capacity`. */
import { Command, Option } from "@commander-js/extra-typings";
import { MAX_BATCH } from "../client/flags.ts";
import { CommandError } from "../command.ts";
import { amount, flag, type Kind, parseFlags, repeatable, wholeNumber } from "../flags.ts";
import { benchPayloadBytes, SHIPPED_CALIBRATION } from "./calibration.ts";
import { isPriceName, LIST_PRICES, type PriceName, type Prices } from "./prices.ts";
import { isRegion, type Region, REGION_NAMES } from "./regions.ts";
import type { Scenario } from "./scenario.ts";
import { TIERS } from "./tiers.ts";

export interface CapacityOptions {
  scenarios: { name: string; scenario: Scenario }[];
  /** One table instead of a report. */
  tiers: boolean;
  cores: number | undefined;
  prices: Prices;
  calibration: string;
  json: string | undefined;
}

const MOST = 1e12;

const share: Kind<number> = {
  said: "a number from 0 to 1",
  read: (text) => (/^\d*\.?\d+$/.test(text) && Number(text) <= 1 ? Number(text) : undefined),
};

const regions: Kind<Region[]> = {
  said: `regions with weights, such as us-east:2,eu-west:1, each once, of ${REGION_NAMES.join(", ")}`,
  read: (text) => {
    const weighted = text.split(",").map((part) => {
      const [name = "", weight = "1"] = part.trim().split(":");
      return { name, share: amount(MOST).read(weight) ?? 0 };
    });
    const known = weighted.filter((region): region is Region => isRegion(region.name) && region.share > 0);
    if (known.length < weighted.length || new Set(known.map(({ name }) => name)).size < known.length) return undefined;
    const sum = known.reduce((all, { share }) => all + share, 0);
    return known.map(({ name, share }) => ({ name, share: share / sum }));
  },
};

const price: Kind<[name: PriceName, usd: number]> = {
  said: `NAME=USD, such as ${Object.keys(LIST_PRICES)[0]}=0.25, of ${Object.keys(LIST_PRICES).join(", ")}`,
  read: (text) => {
    const [name = "", usd = ""] = text.split("=");
    return isPriceName(name) && /^\d+(\.\d+)?$/.test(usd) ? [name, Number(usd)] : undefined;
  },
};

const CAPACITY = new Command("npm run capacity --")
  .description("Simulates a day of so many traces, and says what it takes and costs.")
  .addOption(flag("--traces-per-day <n>", amount(MOST), "traces in the whole day").conflicts("tiers"))
  .option("--tiers", `${TIERS.map(({ name }) => name).join(", ")}, in one table; other flags change all of them`)
  .addOption(
    flag("--regions <list>", regions, "where callers are; the database is in the first").default<Region[]>(
      [{ name: "us-east", share: 1 }],
      "us-east",
    ),
  )
  .addOption(flag("--read-rate <n>", amount(MOST), "summaries in a second, on average").default(1))
  .addOption(flag("--cache-hits <share>", share, "the summaries that the cache answers").default(0.8))
  .addOption(flag("--payload-bytes <n>", wholeNumber(1, 128_000), "JSON bytes of a trace").default(benchPayloadBytes()))
  .addOption(
    flag("--batch <n>", wholeNumber(1, MAX_BATCH), "most traces in one request, as an exporter has them").default(100),
  )
  .addOption(flag("--history-days <n>", wholeNumber(1, 10_000), "how long traces are kept").default(90))
  .addOption(
    flag("--groups <n>", amount(MOST), "combinations of dimensions and label values in an hour").default(50_000),
  )
  .addOption(new Option("--mode <mode>", "how traces are written").choices(["direct", "queue"]).default("direct"))
  .addOption(
    flag("--citus-workers <n>", wholeNumber(0, 1_000), "a Citus cluster of so many workers and a coordinator").default(
      0,
    ),
  )
  .option("--replica", "a read replica answers summaries")
  .addOption(
    flag(
      "--cores <n>",
      amount(MOST),
      "CU of the one Postgres, or of each node of Citus; without it, the smallest that carries the day",
    ),
  )
  .option("--seed <text>", "another seed makes other arrivals of the same kind", "1")
  .addOption(repeatable("--price <pair>", price, "a price of your own in place of the list price"))
  .addOption(
    new Option("--calibration <file>", "a file of npm run bench -- --json").default(
      SHIPPED_CALIBRATION,
      "the shipped one",
    ),
  )
  .option("--json <file>", "also writes everything there, for other programs");

/** @throws HelpAsked, or CommandError that names the flag which is wrong. */
export function parseCapacityArgs(args: readonly string[]): CapacityOptions {
  const { flags } = parseFlags(CAPACITY, args);
  const {
    tracesPerDay,
    tiers = false,
    replica = false,
    readRate: readsPerSecond,
    cores,
    price,
    calibration,
    json,
    ...others
  } = flags;
  if (!tiers && tracesPerDay === undefined) throw new CommandError("Give either --traces-per-day or --tiers.");
  if (replica && others.citusWorkers > 0)
    throw new CommandError("A replica is not used beside Citus: leave out --replica.");
  const scenario: Scenario = { ...others, replica, readsPerSecond, tracesPerDay: tracesPerDay ?? 0 };
  const scenarios = tiers ? tiersWith(scenario) : [{ name: String(tracesPerDay), scenario }];
  return { scenarios, tiers, cores, prices: pricesOf(price ?? []), calibration, json };
}

/** The flag of a scenario's field. */
function flagOf(field: keyof Scenario): keyof ReturnType<typeof CAPACITY.opts> {
  return field === "readsPerSecond" ? "readRate" : field;
}

/** A flag that is given holds for all tiers; a default only where a tier says nothing. */
function tiersWith(scenario: Scenario): CapacityOptions["scenarios"] {
  const isGiven = (field: string): boolean => CAPACITY.getOptionValueSource(flagOf(field as keyof Scenario)) === "cli";
  const given = Object.fromEntries(Object.entries(scenario).filter(([field]) => isGiven(field)));
  return TIERS.map(({ name, regions, ...tier }) => {
    const evenly = regions.map((name) => ({ name, share: 1 / regions.length }));
    return { name, scenario: { ...scenario, ...tier, regions: evenly, ...given } };
  });
}

function pricesOf(given: readonly [PriceName, number][]): Prices {
  const own = given.map(([name, usd]) => [name, { ...LIST_PRICES[name], usd }]);
  return { ...LIST_PRICES, ...(Object.fromEntries(own) as Partial<Prices>) };
}
