import { describe, expect, it } from "vitest";
import { call, DAY, iso, json, MONDAY, openLedger, problem, WEEK } from "./ledger.ts";

interface Answer {
  differences: { example: string }[];
  next_cursor: null;
}

describe("GET /v1/prices/differences", () => {
  it("lists what others say by provider, model and tier, the largest difference first, with an example", async () => {
    const ledger = await openLedger();
    await ledger.write([
      // Ours $0.0035 each: theirs $0.0045 less $0.0005 = $0.0005 more for three calls, one of which agrees.
      call({ id: "more", cost_usd: 0.0045 }),
      call({ id: "less", cost_usd: 0.003 }),
      call({ id: "agreed", cost_usd: 0.0035 }),
      call({ id: "silent" }),
      // Ours 1,000 x $0.15/MTok + 100 x $0.60/MTok = $0.00021, theirs $1.
      call({ id: "mini", model: "gpt-4o-mini", cost_usd: 1 }),
      // One of both is unknown, or both agree: no difference.
      call({ id: "unheard", model: "unheard-of", cost_usd: 1 }),
      call({ id: "same", model: "gpt-4.1", cost_usd: 0.0028 }),
    ]);
    const { differences, next_cursor } = await json<Answer>(await ledger.fetch(`/v1/prices/differences?${WEEK}`));
    expect(next_cursor).toBeNull();
    expect(differences).toEqual([
      {
        provider: "openai",
        model: "gpt-4o-mini",
        example: expect.any(String),
        service_tier: null,
        requests: 1,
        cost_usd: "0.00021",
        reported_cost_usd: "1",
        difference_usd: "-0.99979",
      },
      {
        provider: "openai",
        model: "gpt-4o",
        example: expect.any(String),
        service_tier: null,
        requests: 3,
        cost_usd: "0.0105",
        reported_cost_usd: "0.011",
        difference_usd: "-0.0005",
      },
    ]);
    const examples = await Promise.all(
      differences.map(async ({ example }) => await json<object>(await ledger.fetch(`/v1/traces/${example}`))),
    );
    expect(examples).toMatchObject([{ client_id: "mini" }, { client_id: "more" }]);
  });

  it("has the filters of a summary, and adds up weeks", async () => {
    const ledger = await openLedger();
    const tags = { team: "red" };
    await ledger.write([
      // Ours $0.0035 each, theirs $0.001 more, $0.001 less and $0.003 more.
      call({ id: "a", cost_usd: 0.0045, application: "one", user_id: "ada", tags }),
      call({ id: "b", cost_usd: 0.0025, application: "two", timestamp: MONDAY + 8 * DAY }),
      call({ id: "c", cost_usd: 0.0065, application: "two", timestamp: MONDAY + 15 * DAY, service_tier: "default" }),
    ]);
    const ask = async (filter: string): Promise<unknown> => {
      const range = `from=${iso(MONDAY)}&to=${iso(MONDAY + 21 * DAY)}`;
      const { differences } = await json<Answer>(await ledger.fetch(`/v1/prices/differences?${range}&${filter}`));
      return differences.map((of) => {
        const { requests, reported_cost_usd: reported, difference_usd: difference } = of as never;
        return [requests, reported, difference];
      });
    };
    const [a, b, c] = [
      [1, "0.0045", "-0.001"],
      [1, "0.0025", "0.001"],
      [1, "0.0065", "-0.003"],
    ];
    expect(await ask("application=one")).toEqual([a]);
    expect(await ask("user=ada&tag.team=red")).toEqual([a]);
    expect(await ask("tag.team=blue")).toEqual([]);
    // Of tier `default`, and of none: $0.0045 + $0.0025 against 2 x $0.0035.
    expect(await ask("model=gpt-4o&operation=chat&environment=unknown")).toEqual([c, [2, "0.007", "0"]]);
    expect(await ask("application=two")).toEqual([c, b]);
    // An alias finds the canonical provider's calls.
    expect(await ask("provider=openai.chat&application=one")).toEqual([a]);
    expect(await ask("provider=anthropic")).toEqual([]);
    await problem(await ledger.fetch("/v1/prices/differences?group_by=model"), 400, "invalid_parameter");
  });

  it("covers at most 366 days", async () => {
    const ledger = await openLedger();
    const asked = await ledger.fetch("/v1/prices/differences?from=2024-01-01&to=2025-03-01");
    await problem(asked, 400, "invalid_parameter");
  });
});
