import { describe, expect, it } from "vitest";
import type { CustomPrice } from "../../src/pricing/custom-price.ts";
import { createPriceBooks } from "../../src/pricing/price-books.ts";
import { trace } from "../calls.ts";
import { price, units, YEAR_2026 } from "./custom.ts";

const NOW = YEAR_2026 + 86_400_000;

/** Books over a list that the test changes, and how often it was read. */
function shelf() {
  const state = { prices: [] as CustomPrice[], loads: 0, load: async () => [...state.prices] };
  const books = createPriceBooks(() => {
    state.loads++;
    return state.load();
  });
  /** The cost in pico-USD of one token of `acme-1`; null when there is no price. */
  const unit = async (nowMs: number, projectId = "p") => {
    const call = trace({ startedAtMs: NOW, clientId: "x", model: "acme-1", inputTokens: 1, outputTokens: 0 });
    return (await books.pricerFor(projectId, nowMs)).costOf(call).costPico;
  };
  return { state, books, unit };
}

describe("a project's prices", () => {
  it("are believed for 30 s", async () => {
    const { state, unit } = shelf();
    expect(await unit(NOW)).toBeNull();
    state.prices.push(price());
    expect(await unit(NOW + 29_999)).toBeNull();
    expect(state.loads).toBe(1);
    expect(await unit(NOW + 30_000)).toBe(1_000_000n);
    expect(state.loads).toBe(2);
  });

  it("are loaded again beside requests from 15 s on, one load at a time", async () => {
    const { state, books, unit } = shelf();
    const beside: Promise<unknown>[] = [];
    const at = (ms: number) => books.pricerFor("p", NOW + ms, (work) => void beside.push(work));
    const first = await at(0);
    const { promise, resolve: answer } = Promise.withResolvers<CustomPrice[]>();
    state.load = () => promise;
    await at(14_999);
    expect(state.loads).toBe(1);
    for (const ms of [15_000, 15_001, 19_999]) expect(await at(ms)).toBe(first);
    expect(state.loads).toBe(2);
    answer([price()]);
    await Promise.all(beside);
    expect(await unit(NOW + 19_999)).toBe(1_000_000n);
    expect(state.loads).toBe(2);
  });

  it("are one pricer for all projects that have none", async () => {
    const { books } = shelf();
    expect(await books.pricerFor("p", NOW)).toBe(await books.pricerFor("q", NOW));
  });

  it("stay the same pricer, with all it has looked up, until one is added", async () => {
    const { state, books } = shelf();
    state.prices.push(price());
    const pricer = await books.pricerFor("p", NOW);
    expect(await books.pricerFor("p", NOW + 30_000)).toBe(pricer);
    state.prices.push(price({ id: "2", model: "acme-2" }));
    expect(await books.pricerFor("p", NOW + 60_000)).not.toBe(pricer);
  });

  it("are read again at once when they have changed, of everybody when they are for everybody", async () => {
    const { state, books, unit } = shelf();
    await unit(NOW, "p");
    await unit(NOW, "q");
    state.prices.push(price());
    books.expire("p");
    expect([await unit(NOW, "p"), await unit(NOW, "q")]).toEqual([1_000_000n, null]);
    books.expire(null);
    expect([await unit(NOW, "p"), await unit(NOW, "q")]).toEqual([1_000_000n, 1_000_000n]);
  });

  it("are not kept when they changed while they were read", async () => {
    const { state, books, unit } = shelf();
    let answer: (prices: CustomPrice[]) => void = () => {};
    state.load = () => new Promise((resolve) => (answer = resolve));
    const early = unit(NOW);
    books.expire("p");
    answer([]);
    expect(await early).toBeNull();
    state.load = async () => [price()];
    expect(await unit(NOW)).toBe(1_000_000n);
  });

  it("are the older ones while the database fails, and tried again after 5 s", async () => {
    const { state, unit } = shelf();
    state.prices.push(price());
    await unit(NOW);
    const works = state.load;
    state.load = async () => {
      throw new Error("away");
    };
    expect(await unit(NOW + 30_000)).toBe(1_000_000n);
    expect(await unit(NOW + 34_999)).toBe(1_000_000n);
    expect(state.loads).toBe(2);
    state.load = works;
    state.prices.push(price({ id: "2", startsAtMs: YEAR_2026 + 1, unitPico: units({ input: 2 }) }));
    expect(await unit(NOW + 35_000)).toBe(2_000_000n);
  });

  it("are the older ones after a second when the database hangs", async () => {
    const { state, unit } = shelf();
    state.prices.push(price());
    await unit(NOW);
    state.load = () => new Promise(() => {});
    expect(await unit(NOW + 30_000)).toBe(1_000_000n);
  });

  it("are an error when there are no older ones", async () => {
    const { state, books, unit } = shelf();
    const works = state.load;
    state.load = async () => {
      throw new Error("away");
    };
    await expect(books.pricerFor("p", NOW)).rejects.toThrow("away");
    state.load = works;
    expect(await unit(NOW)).toBeNull();
  });
});
