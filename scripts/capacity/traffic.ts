/**
 * A day of arrivals, second by second: a daily curve in each region's own time, heavy-tailed bursts on top, and Poisson
 * noise, for traces in clusters. Seeded, and drawn so that more traces a day never mean fewer in any second.
 */
import { type Random, seeded } from "../demo/random.ts";
import { type Region, utcOffsetHours } from "./regions.ts";

export const DAY_SECONDS = 86_400;
const HOUR_SECONDS = 3_600;
/** The busiest hour has 1 + this times the mean, the quietest 1 - this. */
const DAILY_SWING = 0.7;
const BUSIEST_HOUR = 14;
/**
 * Calls come in clusters, as of agents: in a second a service's calls vary 13 times as much as Poisson's would (the
 * hour of a coding service in Azure's LLM inference trace of 2023, https://github.com/Azure/AzurePublicDataset).
 */
const CLUSTER = 13;
const BURSTS_A_DAY = 24;
const BURST_MEAN_SECONDS = 60;
/** A burst multiplies the traffic by a Pareto variable: finite mean, no finite variance. */
const BURST_LEAST = 1.5;
const BURST_MOST = 20;
const BURST_TAIL = 1.5;

export interface Day {
  /** By region, then by second of the UTC day. */
  traces: Float64Array[];
  reads: Float64Array[];
}

export interface Demand {
  regions: readonly Region[];
  tracesPerDay: number;
  readsPerSecond: number;
  seed: string;
}

export function dayOf({ regions, tracesPerDay, readsPerSecond, seed }: Demand): Day {
  const of = (region: Region, name: string): Random => seeded(`${seed}/${region.name}/${name}`);
  return {
    traces: regions.map((region) => {
      const random = of(region, "traces");
      return arrivals(shapeOf(region, random), tracesPerDay * region.share, CLUSTER, random);
    }),
    reads: regions.map((region) =>
      arrivals(shapeOf(region), readsPerSecond * DAY_SECONDS * region.share, 1, of(region, "reads")),
    ),
  };
}

function arrivals(shape: Float64Array, perDay: number, cluster: number, random: Random): Float64Array {
  const noise = normals(random);
  return shape.map((part) => cluster * poisson((perDay * part) / cluster, noise()));
}

/** Each second's part of the day's traffic, with bursts where there is randomness for them. */
function shapeOf(region: Region, bursts?: Random): Float64Array {
  const shape = new Float64Array(DAY_SECONDS);
  for (let second = 0; second < DAY_SECONDS; second++) {
    const hour = second / HOUR_SECONDS + utcOffsetHours(region.name);
    shape[second] = 1 + DAILY_SWING * Math.cos((2 * Math.PI * (hour - BUSIEST_HOUR)) / 24);
  }
  if (bursts) addBursts(shape, bursts);
  let sum = 0;
  for (const part of shape) sum += part;
  return shape.map((part) => part / sum);
}

function addBursts(shape: Float64Array, random: Random): void {
  const exponential = (mean: number): number => -mean * Math.log(1 - random.uniform());
  let at = exponential(DAY_SECONDS / BURSTS_A_DAY);
  while (at < DAY_SECONDS) {
    const factor = Math.min(BURST_MOST, BURST_LEAST * (1 - random.uniform()) ** (-1 / BURST_TAIL));
    const end = Math.min(DAY_SECONDS, at + exponential(BURST_MEAN_SECONDS));
    for (let second = Math.floor(at); second < end; second++) shape[second]! *= factor;
    at = end + exponential(DAY_SECONDS / BURSTS_A_DAY);
  }
}

/** Standard normal variables, by Box and Muller. */
function normals(random: Random): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform());
}

/** Up to there by the definition, above by an expansion. */
const SMALL_MEAN = 10;

/** The Poisson quantile at a standard normal's: the same normal gives no less for a higher mean. */
export function poisson(mean: number, normal: number): number {
  const small = smallQuantile(Math.min(mean, SMALL_MEAN), normalShare(normal));
  if (mean <= SMALL_MEAN) return small;
  // By Cornish and Fisher. Far to the left it turns up again; there, and where the two meet, the exact one decides.
  const expanded = mean + normal * Math.sqrt(mean) + (normal * normal - 1) / 6;
  return normal < -2 * Math.sqrt(mean) ? small : Math.max(small, Math.round(expanded));
}

function smallQuantile(mean: number, share: number): number {
  let count = 0;
  let probability = Math.exp(-mean);
  for (let sum = probability; sum < share && probability > 0; sum += probability) {
    count++;
    probability *= mean / count;
  }
  return count;
}

/** Share of a standard normal that is below; within 1e-7 (Abramowitz and Stegun, 26.2.17). */
function normalShare(normal: number): number {
  const t = 1 / (1 + 0.231_641_9 * Math.abs(normal));
  const series =
    t * (0.319_381_53 + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
  const tail = (Math.exp((-normal * normal) / 2) / Math.sqrt(2 * Math.PI)) * series;
  return normal < 0 ? tail : 1 - tail;
}
