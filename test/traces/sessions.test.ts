/** Sessions against the calls that they are made of, and against the summaries that group the same calls. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Call } from "../../src/ledger/call.ts";
import { picoToUsd, usdToPico } from "../../src/money.ts";
import { parseSummaryQuery } from "../../src/summary/query.ts";
import { summarize } from "../../src/summary/summarize.ts";
import { DAY_MS, HOUR_MS } from "../../src/time.ts";
import { parseTracesQuery } from "../../src/traces/query.ts";
import { listSessions, readSession, type Session } from "../../src/traces/sessions.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { priced, trace, traces } from "../calls.ts";
import { database, newProject } from "../ledger.ts";

const db = database();
const START_MS = Date.UTC(2025, 2, 10);
const NOW = START_MS + 30 * DAY_MS;
const RANGE = "from=2025-03-10&to=2025-03-20";

async function projectOf(calls: readonly Call[]): Promise<string> {
  const project = await newProject(db);
  await writeBatch(db, project, calls.map(priced));
  return project;
}

async function sessionsOf(project: string, question = ""): Promise<Session[]> {
  const query = parseTracesQuery(new URLSearchParams(`${RANGE}&limit=1000${question}`), NOW);
  return (await listSessions(db, project, query)).sessions;
}

async function costBy(project: string, tag: string): Promise<Record<string, string | null>> {
  const asked = parseSummaryQuery(new URLSearchParams(`${RANGE}&group_by=tag.${tag}`), NOW);
  const { rows } = await summarize(db, project, asked, NOW);
  return Object.fromEntries(rows.map((row) => [row[`tag.${tag}`], row["cost_usd"]])) as never;
}

/** In pico-USD; null if none has a price. */
function sumOf(costs: readonly (bigint | null)[]): bigint | null {
  const known = costs.filter((cost) => cost !== null);
  return known.length === 0 ? null : known.reduce((sum, cost) => sum + cost, 0n);
}
const usdOf = (pico: bigint | null): string | null => (pico === null ? null : picoToUsd(pico));

describe("a session", () => {
  it("is its calls of the range, to the last digit, whatever days, agents and people they are of", async () => {
    const agents = ["claude-code", "codex", "gemini-cli"];
    const inSession = fc.tuple(
      traces(START_MS),
      fc.constantFrom("s-1", "s-2", "ünïcode / ?"),
      fc.constantFrom(...agents),
    );
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(inSession, { maxLength: 60, selector: ([{ id }]) => id }), async (drawn) => {
        const calls = drawn.map(([call, sessionId, agent]) => ({ ...call, sessionId, tags: { ...call.tags, agent } }));
        const project = await projectOf(calls);
        const sessions = await sessionsOf(project);
        const counted = calls.filter(({ billable }) => billable);
        expect(sessions.map(({ session_id: id }) => id).sort()).toEqual(
          [...new Set(counted.map((c) => c.sessionId))].sort(),
        );
        for (const session of sessions) {
          const own = counted.filter(({ sessionId }) => sessionId === session.session_id).map(priced);
          const inexact = own.filter(({ call, cost }) => call.costIs !== "exact" && cost.costPico !== null);
          const query = parseTracesQuery(new URLSearchParams(`${RANGE}&limit=1000`), NOW);
          const {
            traces: listed,
            next_cursor,
            ...alone
          } = (await readSession(db, project, session.session_id, query))!;
          expect(alone).toEqual(session);
          expect([listed.length, next_cursor]).toEqual([own.length, null]);
          expect(session).toMatchObject({
            first_at: new Date(Math.min(...own.map(({ call }) => call.startedAtMs))).toISOString(),
            last_at: new Date(Math.max(...own.map(({ call }) => call.startedAtMs))).toISOString(),
            requests: own.length,
            cost_usd: usdOf(sumOf(own.map(({ cost }) => cost.costPico))),
            unpriced_requests: own.filter(({ cost }) => cost.costPico === null).length,
            inexact_requests: inexact.length,
            inexact_cost_usd: picoToUsd(sumOf(inexact.map(({ cost }) => cost.costPico)) ?? 0n),
          });
          expect(session.tags["agent"]).toEqual([...new Set(own.map(({ call }) => call.tags["agent"]))].sort());
        }
      }),
      { numRuns: 15 },
    );
  });

  it("that lasts for days is one, and a day of it is that day's calls", async () => {
    const hours = [0, 23, 24, 50];
    const project = await projectOf(
      hours.map((hour) => trace({ clientId: `c${hour}`, startedAtMs: START_MS + hour * HOUR_MS, sessionId: "long" })),
    );
    // Each is 1,000 x $2.50 + 100 x $10 per million = $0.0035.
    expect(await sessionsOf(project)).toMatchObject([{ requests: 4, cost_usd: "0.014" }]);
    const query = parseTracesQuery(new URLSearchParams("from=2025-03-10&to=2025-03-11"), NOW);
    expect(await readSession(db, project, "long", query)).toMatchObject({ requests: 2, cost_usd: "0.007" });
  });

  it("shows the tags that people look for first, at most twenty, with ten values each", async () => {
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`a${String(i).padStart(2, "0")}`, "x"]));
    const project = await projectOf(
      Array.from({ length: 12 }, (_, i) => {
        const own = { skill: `s${String(i).padStart(2, "0")}`, pull_request: "acme/shop#12" };
        return trace({ clientId: `c${i}`, startedAtMs: START_MS + i, sessionId: "s", tags: { ...many, ...own } });
      }),
    );
    const [session] = await sessionsOf(project);
    expect(Object.keys(session!.tags)).toHaveLength(20);
    expect(session!.tags).toMatchObject({ pull_request: ["acme/shop#12"], a17: ["x"] });
    expect(session!.tags["skill"]).toEqual(Array.from({ length: 10 }, (_, i) => `s0${i}`));
  });
});

describe("what a pull request cost", () => {
  const of = (
    clientId: string,
    sessionId: string,
    userId: string,
    tags: Record<string, string>,
    tokens: number,
  ): Call => trace({ clientId, sessionId, userId, tags, startedAtMs: START_MS + tokens * 1_000, inputTokens: tokens });
  const shop = { agent: "claude-code", repository: "shop", branch: "feature/x", pull_request: "acme/shop#12" };
  const calls = [
    of("a", "s-1", "ada", shop, 1_001),
    of("b", "s-1", "ada", { ...shop, agent: "codex" }, 1_003),
    of("c", "s-2", "bob", { ...shop, branch: "feature/y" }, 1_007),
    of("d", "s-2", "bob", { ...shop, pull_request: "acme/shop#13" }, 1_009),
    of("e", "s-3", "ada", { agent: "codex" }, 1_013),
  ];

  it("is the same by sessions and by summary, and so are branch, repository and agent", async () => {
    const project = await projectOf(calls);
    for (const tag of ["pull_request", "branch", "repository", "agent"]) {
      const sums = await costBy(project, tag);
      const values = [...new Set(calls.map(({ tags }) => tags[tag]).filter((value) => value !== undefined))];
      for (const value of values) {
        const own = calls.filter(({ tags }) => tags[tag] === value).map((call) => priced(call).cost.costPico);
        const sessions = await sessionsOf(project, `&tag.${tag}=${encodeURIComponent(value)}`);
        const bySession = sumOf(sessions.map(({ cost_usd: usd }) => usdToPico(usd!)));
        expect([tag, value, sums[value], usdOf(bySession)]).toEqual([tag, value, usdOf(sumOf(own)), usdOf(sumOf(own))]);
      }
    }
  });

  it("can be asked for with a person, and shows only what matches", async () => {
    const project = await projectOf(calls);
    const [session, ...others] = await sessionsOf(project, "&tag.pull_request=acme/shop%2312&user=bob");
    expect(others).toEqual([]);
    // 1,007 x $2.50 + 100 x $10 per million.
    expect(session).toMatchObject({ session_id: "s-2", requests: 1, users: ["bob"], cost_usd: "0.0035175" });
    expect(session!.tags).toEqual({
      agent: ["claude-code"],
      repository: ["shop"],
      branch: ["feature/y"],
      pull_request: ["acme/shop#12"],
    });
  });
});
