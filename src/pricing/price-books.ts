/**
 * Each project's pricer, over its own and the global custom prices: loaded once, believed for half
 * a minute, and longer only while the database does not answer.
 */
import type { KeepAlive } from "../deps.ts";
import { holdOpen } from "../hold-open.ts";
import { createLookUp } from "./catalogue.ts";
import { createPricer, type Pricer } from "./cost.ts";
import { customPrices, type CustomPrice } from "./custom-price.ts";

export interface PriceBooks {
  /**
   * With `keepAlive` an old book is loaded again beside the request, so that projects in use need no database that
   * answers at once.
   *
   * @throws whatever loading threw, when there is nothing older to go by.
   */
  pricerFor(projectId: string, nowMs: number, keepAlive?: KeepAlive): Promise<Pricer>;
  /** A project's prices (null: everybody's) have changed: the next call loads them. */
  expire(projectId: string | null): void;
}

interface Book {
  pricer: Pricer;
  /** Prices are only ever added: as many as before means the same. */
  size: number;
  /** From when on it may be loaded again beside a request. */
  renewMs: number;
  untilMs: number;
}

const MEMO_MS = 30_000;
const RENEW_MS = 15_000;
const MEMO_SIZE = 10_000;
/** How long loading may take when there is an older book, and when it is tried again after a failure. */
const PATIENCE_MS = 1_000;
const RETRY_MS = 5_000;
const EXPIRED = Number.NEGATIVE_INFINITY;

/** @param load a project's own and all global prices. */
export function createPriceBooks(load: (projectId: string) => Promise<CustomPrice[]>): PriceBooks {
  const lookUp = createLookUp();
  const catalogueOnly = createPricer(null, lookUp);
  const books = new Map<string, Book>();
  /** Moves with each change, so that what was being read meanwhile is not kept. */
  let generation = 0;

  async function reload(projectId: string, nowMs: number): Promise<Pricer> {
    const begun = generation;
    const prices = await load(projectId);
    const old = books.get(projectId);
    let pricer = catalogueOnly;
    if (old?.size === prices.length) ({ pricer } = old);
    else if (prices.length > 0) pricer = createPricer(customPrices(prices), lookUp);
    if (begun !== generation) return pricer;
    if (books.size >= MEMO_SIZE) books.clear();
    books.set(projectId, { pricer, size: prices.length, renewMs: nowMs + RENEW_MS, untilMs: nowMs + MEMO_MS });
    return pricer;
  }

  return {
    async pricerFor(projectId, nowMs, keepAlive) {
      const known = books.get(projectId);
      if (!known) return await reload(projectId, nowMs);
      if (known.untilMs > nowMs) {
        if (keepAlive && known.renewMs <= nowMs) {
          known.renewMs = nowMs + RETRY_MS;
          keepAlive(reload(projectId, nowMs).catch(() => undefined));
        }
        return known.pricer;
      }
      const begun = generation;
      const loading = reload(projectId, nowMs).catch(() => "failed" as const);
      const pricer = await holdOpen(loading, PATIENCE_MS);
      if (typeof pricer !== "string") return pricer;
      if (begun === generation) known.untilMs = nowMs + RETRY_MS;
      return known.pricer;
    },
    expire(projectId) {
      generation++;
      for (const [id, book] of books) if (projectId === null || id === projectId) book.untilMs = EXPIRED;
    },
  };
}
