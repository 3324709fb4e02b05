/** Metrics as text: Prometheus' form, or OpenMetrics. Names, escaping and both forms are those of prom-client. */
import Registry from "prom-client/lib/registry.js";
import { COUNTERS, HISTOGRAMS, type HistogramName } from "../telemetry/series.ts";

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  /** Samples that share one object have its text made once. */
  labels: Labels;
  /** Further labels of this sample. */
  more?: Labels;
  value: number;
}

/** Sums of a histogram: the observations by bin, not cumulative, and the sum of their values. */
export interface Bins {
  labels: Labels;
  counts: readonly number[];
  sum: number;
}

export interface Exposition {
  gauge(name: string, help: string, samples: readonly Sample[]): void;
  counter(name: string, help: string, samples: readonly Sample[]): void;
  /** @param bounds the upper bounds of all bins but the last. */
  histogram(name: string, help: string, bounds: readonly number[], all: readonly Bins[]): void;
  text(): Promise<{ body: string; contentType: string }>;
}

const ONE: Labels = {};
/** A gauge without labels. It has no sample if the value is unknown. */
export const single = (value: number | null | undefined, labels: Labels = ONE): Sample[] =>
  value === null || value === undefined || Number.isNaN(value) ? [] : [{ labels, value }];

export function createExposition(accept: string | undefined): Exposition {
  const isOpen = /\bapplication\/openmetrics-text\b/.test(accept ?? "");
  const registry = new Registry(isOpen ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE);

  function register(name: string, help: string, type: string, values: readonly (Sample & { metricName?: string })[]) {
    if (values.length === 0) return;
    // OpenMetrics names a counter without `_total`, and the registry adds it to the name of each sample.
    const known = values.map(({ labels, more = ONE, value, metricName = name }) => ({
      metricName: isOpen && type === "counter" ? undefined : metricName,
      labels: more,
      sharedLabels: storable(labels),
      value,
    }));
    const metric = { name, help, type, get: () => ({ name: metric.name, help, type, values: known }) };
    registry.registerMetric(metric);
  }

  return {
    gauge: (name, help, samples) => register(name, help, "gauge", samples),
    counter: (name, help, samples) => register(name, help, "counter", samples),
    histogram(name, help, bounds, all) {
      const values = all.flatMap(({ labels, counts, sum }) => {
        let count = 0;
        const buckets = [...bounds, Infinity].map((bound, bin) => ({
          metricName: `${name}_bucket`,
          labels,
          more: { le: bound === Infinity ? "+Inf" : String(bound) },
          value: (count += counts[bin] ?? 0),
        }));
        return [
          ...buckets,
          { metricName: `${name}_sum`, labels, value: sum },
          { metricName: `${name}_count`, labels, value: count },
        ];
      });
      register(name, help, "histogram", values);
    },
    async text() {
      return { body: await registry.metrics(), contentType: registry.contentType };
    },
  };
}

const stored = new WeakMap<Labels, Labels>();

/** Neither form allows NUL. Lone surrogates have no UTF-8. */
function storable(labels: Labels): Labels {
  const known = stored.get(labels);
  if (known) return known;
  const made = Object.fromEntries(
    Object.entries(labels).map(([name, value]) => [name, value.replaceAll("\0", "\ufffd").toWellFormed()]),
  );
  stored.set(labels, made);
  return made;
}

/** Shows the counters and histograms that isolates count. `fields` has the sums by field (`telemetry/counters.ts`). */
export function showCounters(exposition: Exposition, fields: Readonly<Record<string, string>>): void {
  const counters = new Map<string, Sample[]>();
  const histograms = new Map<string, Map<string, Bins & { counts: number[] }>>();
  for (const [field, text] of Object.entries(fields)) {
    const parsed = parsedField(field);
    const value = Number(text);
    if (parsed === null || !Number.isFinite(value)) continue;
    const { name, labels, part } = parsed;
    if (part === null) {
      counters.set(name, [...(counters.get(name) ?? []), { labels, value }]);
      continue;
    }
    const all = histograms.get(name) ?? new Map<string, Bins & { counts: number[] }>();
    histograms.set(name, all);
    const key = JSON.stringify(labels);
    const bins = all.get(key) ?? { labels, counts: [], sum: 0 };
    if (part === "sum") all.set(key, { ...bins, sum: value / 1e6 });
    else {
      bins.counts[part] = value;
      all.set(key, bins);
    }
  }
  for (const [name, { help }] of Object.entries(COUNTERS)) exposition.counter(name, help, counters.get(name) ?? []);
  for (const [name, { help, bounds }] of Object.entries(HISTOGRAMS))
    exposition.histogram(name, help, bounds, [...(histograms.get(name)?.values() ?? [])]);
}

interface Field {
  name: string;
  labels: Labels;
  /** The bin of a histogram, or its sum. Null for a counter. */
  part: number | "sum" | null;
}

/** Null for what another version wrote. */
function parsedField(field: string): Field | null {
  let values: unknown;
  try {
    values = JSON.parse(field);
  } catch {
    return null;
  }
  if (!Array.isArray(values)) return null;
  const [name, ...rest] = values as [unknown, ...unknown[]];
  const isHistogram = Object.hasOwn(HISTOGRAMS, String(name));
  if (!isHistogram && !Object.hasOwn(COUNTERS, String(name))) return null;
  const { labels: names } = isHistogram ? HISTOGRAMS[name as HistogramName] : COUNTERS[name as keyof typeof COUNTERS];
  const part = isHistogram ? rest.pop() : null;
  if (rest.length !== names.length) return null;
  return {
    name: String(name),
    labels: Object.fromEntries(names.map((label, i) => [label, String(rest[i])])),
    part: part as Field["part"],
  };
}
