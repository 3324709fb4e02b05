/**
 * The catalogue that this isolate prices by: the newest stored one, or the embedded one. It asks the database for a
 * newer one at most twice a minute, beside requests.
 */
import type { Database } from "../db/client.ts";
import { holdOpen, type KeepAlive } from "../keep-alive.ts";
import { type Catalogue, createCatalogue, embeddedCatalogue } from "../pricing/catalogue.ts";
import { newestCatalogue } from "./store.ts";

export interface CurrentCatalogue {
  /**
   * With `keepAlive` it is renewed beside the request. Only the first answer is waited for, though not for long: by the
   * embedded catalogue a new isolate would not price the newest models.
   */
  get(nowMs: number, keepAlive?: KeepAlive): Promise<Catalogue>;
  /** The version of the catalogue in use. It asks nobody. */
  version(): string;
  /** When the catalogue in use was stored. Null for the embedded one. */
  storedMs(): number | null;
  /** Asks the database now. @throws its error. */
  renew(nowMs: number): Promise<void>;
}

const RENEW_MS = 30_000;
const RETRY_MS = 5_000;
const PATIENCE_MS = 1_000;

export function createCurrentCatalogue(db: Database): CurrentCatalogue {
  let catalogue = embeddedCatalogue;
  let storedMs: number | null = null;
  let renewMs = Number.NEGATIVE_INFINITY;
  let renewal = Promise.resolve();
  /** Has the database been asked, with or without success? */
  let asked = false;

  async function renew(nowMs: number): Promise<void> {
    const newest = await newestCatalogue(db, catalogue.version);
    renewMs = nowMs + RENEW_MS;
    if (newest === null) return;
    catalogue = createCatalogue(newest.providers, newest.version);
    ({ storedMs } = newest);
  }

  return {
    async get(nowMs, keepAlive) {
      if (renewMs <= nowMs) {
        renewMs = nowMs + RETRY_MS;
        // Without an answer, what is known holds on.
        renewal = renew(nowMs)
          .catch(() => undefined)
          .finally(() => (asked = true));
        keepAlive?.(renewal);
      }
      if (!asked || keepAlive === undefined) await holdOpen(renewal, PATIENCE_MS);
      return catalogue;
    },
    version: () => catalogue.version,
    storedMs: () => storedMs,
    renew,
  };
}
