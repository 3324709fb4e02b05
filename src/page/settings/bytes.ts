/** `1536` -> `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let [value, unit] = [Math.abs(bytes), 0];
  while (value >= 1_024 && unit < units.length - 1) [value, unit] = [value / 1_024, unit + 1];
  return `${bytes < 0 ? "-" : ""}${Number(value.toPrecision(3))} ${units[unit]}`;
}
