/** One objective against what was measured. */
import { budgetOf } from "../monitoring/burn-rate.ts";
import type { Objective } from "../monitoring/objectives.ts";

export interface Level {
  name: Objective["name"];
  title: string;
  target: number;
  /** Of Prometheus, or of the load test. */
  job: string;
  /** Null if nothing was measured. */
  kept: boolean | null;
  /** The share that was good; null if it is not known. */
  good: number | null;
  /** 1 is the whole error budget; below 0 the objective is missed. */
  budgetLeft: number | null;
  /** What else there is to say. */
  note: string;
}

/** @param bad the share that was bad; null or NaN if there was nothing to measure. */
export function levelOf(
  { name, title, target }: Pick<Objective, "name" | "title" | "target">,
  job: string,
  bad: number | null,
  note = "",
): Level {
  const known = bad !== null && Number.isFinite(bad);
  return {
    name,
    title,
    target,
    job,
    kept: known ? bad <= budgetOf(target) : null,
    good: known ? 1 - bad : null,
    budgetLeft: known ? 1 - bad / budgetOf(target) : null,
    note: known ? note : "nothing was measured",
  };
}
