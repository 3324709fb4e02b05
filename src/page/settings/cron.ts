/** What the times of cron's stages tell. */

/** A run that succeeds ends with the whole run's time, after those of its stages. */
export function lastRunFailed(runs: Readonly<Record<string, string>>): boolean {
  const { run, ...stages } = runs;
  const latest = Math.max(...Object.values(stages).map((at) => Date.parse(at)));
  return latest > (run === undefined ? -Infinity : Date.parse(run));
}
