/**
 * The pricer of each project, over its own and the global custom prices. It is loaded once and used for half a minute. It
 * is used longer only while the database does not answer.
 */
import { type KeepAlive, holdOpen } from "../keep-alive.ts";
import { createLookUp } from "./catalogue.ts";
import { createPricer, type Pricer } from "./cost.ts";
import { customPrices, type CustomPrice } from "./custom-price.ts";

export interface PriceBooks {
  /**
   * With `keepAlive` an old book is reloaded beside the request, so that requests of active projects do not wait for the
   * database.
   *
   * @throws the error of loading, if there is no older book.
   */
  pricerFor(projectId: string, nowMs: number, keepAlive?: KeepAlive): Promise<Pricer>;
  /** Says that a project's prices have changed (null: the global ones). The next request loads them. */
  expire(projectId: string | null): void;
}

interface Book {
  pricer: Pricer;
  /** The number of prices. Prices are only added, so an equal number means equal prices. */
  size: number;
  /** From this time on it may be reloaded beside a request. */
  renewMs: number;
  untilMs: number;
}

const MEMO_MS = 30_000;
const RENEW_MS = 15_000;
const MEMO_SIZE = 10_000;
/** How long a request waits for loading if there is an older book, and after which time a failed load is repeated. */
const PATIENCE_MS = 1_000;
const RETRY_MS = 5_000;
const EXPIRED = Number.NEGATIVE_INFINITY;

/** @param load reads a project's own and all global prices. */
export function createPriceBooks(load: (projectId: string) => Promise<CustomPrice[]>): PriceBooks {
  const lookUp = createLookUp();
  const catalogueOnly = createPricer(null, lookUp);
  const books = new Map<string, Book>();
  /** Moves with each change, so that prices which were read before the change are not kept. */
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
