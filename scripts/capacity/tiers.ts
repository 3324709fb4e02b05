/** The tiers of `--tiers`: how far the design goes, from one small team to everybody. */
import type { RegionName } from "./regions.ts";
import type { Scenario } from "./scenario.ts";

export interface Tier extends Pick<Scenario, "tracesPerDay" | "readsPerSecond" | "batch" | "groups" | "mode"> {
  name: string;
  regions: RegionName[];
}

const WORLD: RegionName[] = ["us-east", "eu-west", "ap-southeast"];

export const TIERS: readonly Tier[] = [
  {
    name: "small",
    tracesPerDay: 1e4,
    readsPerSecond: 0.1,
    batch: 10,
    groups: 5_000,
    mode: "direct",
    regions: ["us-east"],
  },
  {
    name: "medium",
    tracesPerDay: 1e6,
    readsPerSecond: 1,
    batch: 100,
    groups: 50_000,
    mode: "direct",
    regions: ["us-east"],
  },
  { name: "large", tracesPerDay: 1e7, readsPerSecond: 10, batch: 100, groups: 100_000, mode: "direct", regions: WORLD },
  { name: "1 billion", tracesPerDay: 1e9, readsPerSecond: 100, batch: 500, groups: 1e6, mode: "queue", regions: WORLD },
  {
    name: "10 billion",
    tracesPerDay: 1e10,
    readsPerSecond: 500,
    batch: 500,
    groups: 1e7,
    mode: "queue",
    regions: WORLD,
  },
];
