/**
 * uPlot, less what no chart of the page uses: its legend, scales that are not linear, plots that follow each other, and
 * the words for times. What is settled here as a constant, the bundler takes out with all that only it needs.
 *
 * Each row must be found, so another version of uPlot fails the build and not a chart.
 */
import type { Plugin } from "vite";

const ROWS: readonly (readonly [found: RegExp, instead: string])[] = [
  // What the page does not call.
  [/^\s*uPlot\.(?:assign|fmtNum|range\w+|orient|pxRatio|join|fmtDate|sync|addGap|clipGaps) *= \w+;$/gm, ""],
  [/^\s*\(paths\.(?:linear|stepped|spline) *= \w+\);$/gm, ""],
  // `legend: { show: false }`
  [/const showLegend = legend\.show;/g, "const showLegend = false;"],
  [/legend\.show && legend\.live && shouldSetLegend/g, "false"],
  // Scales are linear, and all series have the same x.
  [/\b(?:s?c\.|scale\.)?distr == +(?:2|3|4|100)\b/g, "false"],
  [/\bsc\.distr >= 3\b/g, "false"],
  [/\bxScaleDistr == [234]\b/g, "false"],
  [/\bmode == 2\b/g, "false"],
  [/\bmode == 1\b/g, "true"],
  // No plot follows another one.
  [/\bsrc != null\b/g, "false"],
  [/\bsrc == null\b/g, "true"],
  // The page names times itself: `axes[].values`.
  [/= timeAxisVals\(_tzDate, timeAxisStamps\(\(ms == 1 .*;$/gm, "= null;"],
  [/= timeSeriesVal\(_tzDate, timeSeriesStamp\(_timeSeriesStamp.*;$/gm, "= null;"],
  [/isTime \? \(isStr\(sv\) \? .* : sv \|\| _timeSeriesVal\) : sv \|\| numSeriesVal/g, "sv"],
  [/\bisStr\(av\) \?\s+timeAxisVal\(_tzDate, av\) :/g, ""],
  [/\bisArr\(av\) \?\s+timeAxisVals\(_tzDate, timeAxisStamps\(av, _fmtDate\)\) :/g, ""],
  // Times are in seconds.
  [/\(ms == 1 \? timeAxisSplitsMs\(_tzDate\) : timeAxisSplitsS\(_tzDate\)\)/g, "timeAxisSplitsS(_tzDate)"],
  [/\(ms == 1 \? timeIncrsMs : timeIncrsS\)/g, "timeIncrsS"],
  [/^const \[ timeIncrsMs,.*;$/gm, ""],
];

export function trimPlot(): Plugin {
  return {
    name: "trim-plot",
    transform: {
      filter: { id: /\/uplot\/dist\/uPlot\.esm\.js$/ },
      handler: (code) => ROWS.reduce((text, row) => replaced(text, ...row), code),
    },
  };
}

/** @throws Error if there is nothing to replace. */
export function replaced(text: string, found: RegExp, instead: string): string {
  const next = text.replaceAll(found, instead);
  if (next === text) throw new Error(`uPlot has no ${found} any more: see scripts/page/trim-plot.ts.`);
  return next;
}
