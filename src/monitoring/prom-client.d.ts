/**
 * prom-client's registry alone, in as far as it is used. The package's own entry also loads what asks the process and
 * other servers, and its types know no metric whose values are sums already.
 */
declare module "prom-client/lib/registry.js" {
  interface Metric {
    name: string;
    get(): { name: string; help: string; type: string; values: readonly object[] };
  }
  export default class Registry {
    static readonly PROMETHEUS_CONTENT_TYPE: string;
    static readonly OPENMETRICS_CONTENT_TYPE: string;
    readonly contentType: string;
    constructor(contentType: string);
    registerMetric(metric: Metric): void;
    metrics(): Promise<string>;
  }
}
