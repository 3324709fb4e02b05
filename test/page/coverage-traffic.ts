/** What agents send, for the tests of `/coverage` and `/doubles`: calls, counters of their own, and one call told twice. */
const call = (id: string, atMs: number, more: object): object => ({
  id,
  timestamp: new Date(atMs).toISOString(),
  provider: "anthropic",
  model: "claude-sonnet-4-5",
  application: "claude-code",
  input_tokens: 12_000,
  cache_read_tokens: 9_000,
  output_tokens: 840,
  tags: { agent: "claude-code" },
  ...more,
});

/** A session of each name. In all of them a second report, of a gateway, follows. */
export function pairsAt(nowMs: number, names: readonly string[]): object[] {
  const sessions = [
    { session_id: "alike" },
    // What the gateway leaves out makes its report dearer.
    { session_id: "unlike", second: { cache_read_tokens: 0 } },
    { session_id: "unpriced", both: { provider: "nobody", model: "nobody-knows" } },
    ...names.map((name) => ({ session_id: name, both: { model: name, application: name, provider: "openai" } })),
  ];
  return sessions.flatMap(({ session_id, ...more }, i) => {
    const { both, second } = { both: {}, second: {}, ...more };
    const atMs = nowMs - 3_600_000 + i * 60_000;
    return [
      call(`${i}-first`, atMs, { session_id, ...both }),
      call(`${i}-second`, atMs + 812, {
        session_id,
        application: "gateway",
        tags: {},
        user_id: "ada",
        ...both,
        ...second,
      }),
    ];
  });
}

/** The counters of Claude Code, of which the ledger lacks some; and those of programs with hostile names. */
export function countersAt(nowMs: number, names: readonly string[]): object {
  const points = (values: Readonly<Record<string, number>>): object[] =>
    Object.entries(values).map(([type, value]) => ({
      asDouble: value,
      startTimeUnixNano: `${nowMs - 60_000}000000`,
      timeUnixNano: `${nowMs}000000`,
      attributes: [
        { key: "type", value: { stringValue: type } },
        { key: "session.id", value: { stringValue: "counted" } },
      ],
    }));
  const metric = (name: string, values: Readonly<Record<string, number>>): object => ({
    name,
    sum: { aggregationTemporality: 1, isMonotonic: true, dataPoints: points(values) },
  });
  const resource = (name: string, metrics: readonly object[]): object => ({
    resource: { attributes: [{ key: "service.name", value: { stringValue: name } }] },
    scopeMetrics: [{ scope: { name: "counters" }, metrics }],
  });
  return {
    resourceMetrics: [
      resource("claude-code", [
        metric("claude_code.token.usage", { input: 40_000, cacheRead: 80_000, output: 8_001 }),
        metric("claude_code.cost.usage", { "": 0.123456789 }),
      ]),
      ...names.map((name) =>
        resource(name, [
          metric("gen_ai.client.inference.usage.input_tokens", { "": 1_000 }),
          metric("gen_ai.client.inference.usage.output_tokens", { "": 100 }),
        ]),
      ),
    ],
  };
}
