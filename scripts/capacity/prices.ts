/** Public list prices in USD, each with where and when it was read. A month is 365/12 days. */

export interface Price {
  what: string;
  usd: number;
  /** The USD are for so many units. */
  per: number;
  unit: string;
  /** Units a month that cost nothing. */
  included: number;
  source: string;
  readOn: string;
}

const readOn = "2026-11-26";
const WORKERS = { source: "https://developers.cloudflare.com/workers/platform/pricing/", readOn };
const QUEUES = { source: "https://developers.cloudflare.com/queues/platform/pricing/", readOn };
const HYPERDRIVE = { source: "https://developers.cloudflare.com/hyperdrive/platform/pricing/", readOn };
const NEON = { source: "https://neon.com/docs/introduction/plans", readOn };
const UPSTASH = { source: "https://upstash.com/pricing/redis", readOn };

const MILLION = 1_000_000;

export const LIST_PRICES = {
  "workers-plan": { what: "Workers Paid plan", usd: 5, per: 1, unit: "month", included: 0, ...WORKERS },
  "workers-requests": {
    what: "Workers requests",
    usd: 0.3,
    per: MILLION,
    unit: "requests",
    included: 10 * MILLION,
    ...WORKERS,
  },
  "workers-cpu": { what: "Workers CPU", usd: 0.02, per: MILLION, unit: "ms", included: 30 * MILLION, ...WORKERS },
  "queues-operations": {
    what: "Queues operations",
    usd: 0.4,
    per: MILLION,
    unit: "operations",
    included: MILLION,
    ...QUEUES,
  },
  hyperdrive: { what: "Hyperdrive", usd: 0, per: 1, unit: "month", included: 0, ...HYPERDRIVE },
  "postgres-compute": { what: "Neon compute (Launch)", usd: 0.106, per: 1, unit: "CU hours", included: 0, ...NEON },
  "postgres-compute-large": {
    what: "Neon compute (Scale)",
    usd: 0.222,
    per: 1,
    unit: "CU hours",
    included: 0,
    ...NEON,
  },
  "postgres-storage": { what: "Neon storage", usd: 0.35, per: 1, unit: "GB months", included: 0, ...NEON },
  "redis-commands": { what: "Upstash commands", usd: 0.2, per: 100_000, unit: "commands", included: 0, ...UPSTASH },
} satisfies Record<string, Price>;

export type PriceName = keyof typeof LIST_PRICES;
export type Prices = Record<PriceName, Price>;

export const isPriceName = (name: string): name is PriceName => name in LIST_PRICES;
