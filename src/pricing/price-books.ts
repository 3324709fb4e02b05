/**
 * The pricer of each project, over its own and the global custom prices. It is loaded once and used for half a minute.
 * It is used longer only while the database does not answer.
 */
import { type KeepAlive, holdOpen } from "../keep-alive.ts";
import { type Catalogue, embeddedCatalogue } from "./catalogue.ts";
import { createPricer, type Pricer } from "./cost.ts";
import { customPrices, type CustomPrice, type CustomPrices } from "./custom-price.ts";

export interface PriceBooks {
  /**
   * With `keepAlive` an old book is reloaded beside the request, so that requests of active projects do not wait for
   * the database.
   *
   * @throws the error of loading, if there is no older book.
   */
  pricerFor(projectId: string, nowMs: number, keepAlive?: KeepAlive): Promise<Pricer>;
  /** Says that a project's prices have changed (null: the global ones). The next request loads them. */
  expire(projectId: string | null): void;
}

interface Book {
  /** Null if there is none. */
  custom: CustomPrices | null;
  /** Of `custom` and the catalogue. Null until the first call, and if `custom` is null. */
  priced: Priced | null;
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

/**
 * @param load reads a project's own and all global prices.
 * @param catalogueAt is asked for each pricer. Custom prices stay loaded if it has become another one.
 */
export function createPriceBooks(
  load: (projectId: string) => Promise<CustomPrice[]>,
  catalogueAt: (nowMs: number, keepAlive?: KeepAlive) => Promise<Catalogue> = async () => embeddedCatalogue,
): PriceBooks {
  /** One pricer for all projects without custom prices. */
  let catalogueOnly = priced(null, embeddedCatalogue);
  const books = new Map<string, Book>();
  /** Moves with each change, so that prices which were read before the change are not kept. */
  let generation = 0;

  async function reload(projectId: string, nowMs: number): Promise<Book> {
    const begun = generation;
    const prices = await load(projectId);
    const old = books.get(projectId);
    const kept =
      old?.size === prices.length
        ? { custom: old.custom, priced: old.priced }
        : { custom: prices.length === 0 ? null : customPrices(prices), priced: null };
    const book: Book = { ...kept, size: prices.length, renewMs: nowMs + RENEW_MS, untilMs: nowMs + MEMO_MS };
    if (begun !== generation) return book;
    if (books.size >= MEMO_SIZE) books.clear();
    books.set(projectId, book);
    return book;
  }

  async function bookOf(projectId: string, nowMs: number, keepAlive?: KeepAlive): Promise<Book> {
    const known = books.get(projectId);
    if (!known) return await reload(projectId, nowMs);
    if (known.untilMs > nowMs) {
      if (keepAlive && known.renewMs <= nowMs) {
        known.renewMs = nowMs + RETRY_MS;
        keepAlive(reload(projectId, nowMs).catch(() => undefined));
      }
      return known;
    }
    const begun = generation;
    const loading = reload(projectId, nowMs).catch(() => "failed" as const);
    const book = await holdOpen(loading, PATIENCE_MS);
    if (typeof book !== "string") return book;
    if (begun === generation) known.untilMs = nowMs + RETRY_MS;
    return known;
  }

  return {
    async pricerFor(projectId, nowMs, keepAlive) {
      const [book, catalogue] = await Promise.all([bookOf(projectId, nowMs, keepAlive), catalogueAt(nowMs, keepAlive)]);
      if (book.custom === null) {
        if (catalogueOnly.catalogue !== catalogue) catalogueOnly = priced(null, catalogue);
        return catalogueOnly.pricer;
      }
      if (book.priced?.catalogue !== catalogue) book.priced = priced(book.custom, catalogue);
      return book.priced.pricer;
    },
    expire(projectId) {
      generation++;
      for (const [id, book] of books) if (projectId === null || id === projectId) book.untilMs = EXPIRED;
    },
  };
}

interface Priced {
  catalogue: Catalogue;
  pricer: Pricer;
}

function priced(custom: CustomPrices | null, catalogue: Catalogue): Priced {
  return { catalogue, pricer: createPricer(custom, catalogue) };
}
