/** One scenario from its arrivals to its price. */
import { type Bill, billOf } from "./bill.ts";
import type { Calibration } from "./calibration.ts";
import { costsOf } from "./costs.ts";
import type { Prices } from "./prices.ts";
import type { Postgres, Scenario } from "./scenario.ts";
import { type Outcome, simulate } from "./simulate.ts";
import { type Need, needOf, sizeFor } from "./size.ts";
import { gigabytes, type Storage, storageOf } from "./storage.ts";
import { dayOf } from "./traffic.ts";
import { judge, type Verdict } from "./verdict.ts";

export interface Estimate {
  scenario: Scenario;
  postgres: Postgres;
  need: Need;
  outcome: Outcome;
  storage: Storage;
  bill: Bill;
  verdict: Verdict;
}

/** @param cores of the one Postgres, or of each node of Citus; undefined: the smallest that carries the day. */
export function estimate(
  scenario: Scenario,
  calibration: Calibration,
  prices: Prices,
  cores: number | undefined,
): Estimate {
  const costs = costsOf(calibration, scenario);
  const day = dayOf(scenario);
  const need = needOf(scenario, costs, day);
  const storage = storageOf(scenario, costs, calibration);
  const storageGb = gigabytes(storage);
  const fit = sizeFor(need, storageGb, scenario.replica, scenario.citusWorkers);
  const postgres = cores === undefined ? fit : withCores(fit, cores);
  const outcome = simulate(scenario, postgres, costs, day);
  const bill = billOf(scenario, postgres, outcome, storage, prices);
  const verdict = judge({ scenario, postgres, costs, day, need, outcome, storageGb, bill });
  return { scenario, postgres, need, outcome, storage, bill, verdict };
}

const withCores = (fit: Postgres, cores: number): Postgres =>
  fit.coordinatorCores > 0
    ? { ...fit, coresPerShard: cores, coordinatorCores: cores }
    : { ...fit, shards: 1, coresPerShard: cores };
