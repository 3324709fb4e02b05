/** Line charts as SVG text: no script, no network, readable wherever the file is opened. */

export interface Series {
  name: string;
  /** One a second; null where there is nothing. */
  values: readonly (number | null)[];
}

export interface Chart {
  title: string;
  unit: string;
  series: readonly Series[];
  /** Times that are set apart. */
  shaded?: readonly { fromSecond: number; toSecond: number }[];
}

const WIDTH = 960;
const HEIGHT = 240;
const LEFT = 64;
const RIGHT = 12;
const TOP = 12;
const BOTTOM = 28;
/** Between marks of time, in seconds. */
const INTERVALS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_800];
const HOUR = 3_600;
/** Told apart also by those who do not see red or green. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#6a4c93"];

export function chartSvg({ title, unit, series, shaded = [] }: Chart): string {
  const seconds = Math.max(1, ...series.map(({ values }) => values.length));
  const top = niceCeiling(series.flatMap(({ values }) => values).reduce<number>((a, b) => Math.max(a, b ?? 0), 0));
  const x = (second: number): number => LEFT + (second / Math.max(1, seconds - 1)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number => TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM);
  const levels = [0, 0.25, 0.5, 0.75, 1].map((part) => part * top);
  const grid = levels.map(
    (level) =>
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at(y(level))}" y2="${at(y(level))}" class="grid"/>` +
      `<text x="${LEFT - 6}" y="${at(y(level) + 4)}" text-anchor="end">${short(level)}</text>`,
  );
  const everySeconds = INTERVALS.find((interval) => interval >= seconds / 10) ?? HOUR;
  const marks = Array.from({ length: Math.floor((seconds - 1) / everySeconds) + 1 }, (_, i) => i * everySeconds).map(
    (second) => `<text x="${at(x(second))}" y="${HEIGHT - 8}" text-anchor="middle">${second} s</text>`,
  );
  const lines = series.map(({ values }, i) => path(values, x, y, colour(i)));
  const shades = shaded.map(
    ({ fromSecond, toSecond }) =>
      `<rect x="${at(x(fromSecond))}" y="${TOP}" width="${at(x(toSecond) - x(fromSecond))}" height="${HEIGHT - TOP - BOTTOM}" class="shade"/>`,
  );
  const legend = series.map(({ name }, i) => `<span><i style="background:${colour(i)}"></i>${escapeHtml(name)}</span>`);
  return `<figure>
<figcaption><b>${escapeHtml(title)}</b>, ${escapeHtml(unit)} ${legend.join(" ")}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(title)}">
${[...shades, ...grid, ...marks, ...lines].join("\n")}
</svg>
</figure>`;
}

/** A gap where a value is missing; a dot where one stands alone. */
function path(
  values: readonly (number | null)[],
  x: (second: number) => number,
  y: (value: number) => number,
  stroke: string,
): string {
  let commands = "";
  let drawing = false;
  for (const [second, value] of values.entries()) {
    if (value !== null) {
      const point = `${at(x(second))} ${at(y(value))}`;
      const alone = !drawing && (values[second + 1] ?? null) === null;
      commands += alone ? `M${point}h0.1` : `${drawing ? "L" : "M"}${point}`;
    }
    drawing = value !== null;
  }
  return `<path d="${commands}" stroke="${stroke}"/>`;
}

/** The next round number, at least 1; its quarters are round as well. */
export function niceCeiling(value: number): number {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((round) => round >= value)!;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function colour(index: number): string {
  return COLOURS[index % COLOURS.length]!;
}

function at(pixels: number): string {
  return pixels.toFixed(1);
}

function short(value: number): string {
  return value >= 10_000 ? `${value / 1_000}k` : String(Math.round(value * 100) / 100);
}
