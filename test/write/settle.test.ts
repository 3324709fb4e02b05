import { type HeldDeps, decideHeld } from "../../src/write/held.ts";
import { sql } from "drizzle-orm";
import fc from "fast-check";
import { afterAll, describe, expect, inject, it } from "vitest";
import type { Link, Call } from "../../src/ledger/call.ts";
import { type PricedCall } from "../../src/write/columns.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { BUCKETS } from "../../src/ledger/buckets.ts";
import { withId } from "../../src/pricing/price.ts";
import type { Pricer } from "../../src/pricing/cost.ts";
import { repriceStep } from "../../src/reprice/step.ts";
import { audit } from "../../src/rollup/audit.ts";
import { deleteTrace } from "../../src/traces/delete.ts";
import { newProject, redis } from "../ledger.ts";
import { ownDatabase } from "../own-database.ts";
import { priced, trace } from "../calls.ts";

const { db } = await ownDatabase(inject("driver"), afterAll);
const START_MS = Date.UTC(2025, 8, 1, 12);
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

type Sent = { trace: Call } | { link: Link };

/** A span named by one letter, a second after its parent; `above` is the letter of the span above. */
function call(name: string, above: string | null, changes: Partial<Call> = {}): Sent {
  const own = { traceId: TRACE, spanId: idOf(name), parentId: above && idOf(above) };
  return {
    trace: trace({ startedAtMs: START_MS + name.charCodeAt(0), clientId: `${TRACE}:${name}`, ...own, ...changes }),
  };
}

function wrapper(name: string, above: string | null, changes: Partial<Call> = {}): Sent {
  return call(name, above, { billable: false, wrapper: true, rule: "traceloop.span.kind", ...changes });
}

function link(name: string, above: string | null, says: Partial<Link> = {}): Sent {
  const own = { traceId: TRACE, spanId: idOf(name), parentId: above && idOf(above), startedAtMs: START_MS };
  return { link: { wrapper: false, userId: null, sessionId: null, tags: {}, ofInterest: true, ...own, ...says } };
}

function idOf(name: string): string {
  return name.charCodeAt(0).toString(16).padStart(16, "0");
}

const UNKNOWN = { inputTokens: null, outputTokens: null };

interface Ledger {
  project: string;
  send(...body: Sent[]): Promise<void>;
  /** Names of the spans that count. */
  counted(): Promise<string>;
  rows(): Promise<Record<string, unknown>[]>;
  /** Lets the grace time of every wrapper pass, and cron come by. */
  wait(): Promise<void>;
}

async function ledger(graceSeconds = 300): Promise<Ledger> {
  const project = await newProject(db);
  const self: Ledger = {
    project,
    async send(...body) {
      const batch = batchOf(body);
      const links = body.flatMap((sent) => ("link" in sent ? [sent.link] : []));
      await writeBatch(db, project, batch, { links, graceSeconds });
      const { ok, mismatches } = await audit(db, project, START_MS, START_MS + 1);
      expect(mismatches).toEqual([]);
      expect(ok).toBe(true);
    },
    async counted() {
      const rows = await self.rows();
      return rows.flatMap((row) => (row["billable"] ? [nameOf(row["client_id"])] : [])).join("");
    },
    rows: () =>
      db.query(sql`
        select client_id, billable, nested, cost_pico::text, user_id, session_id, tags from traces
        where project_id = ${project}::uuid order by client_id`),
    async wait() {
      await db.query(sql`
        update traces set received_at = now() - interval '1 day' where project_id = ${project}::uuid`);
      await db.query(sql`
        update held_wrappers set due_at = now() - interval '1 day' where project_id = ${project}::uuid`);
      await decideHeld(deps(graceSeconds), Infinity, () => {});
      expect((await audit(db, project, START_MS, START_MS + 1)).ok).toBe(true);
    },
  };
  return self;
}

function batchOf(body: readonly Sent[]): PricedCall[] {
  return body.flatMap((sent) => ("trace" in sent ? [priced(sent.trace)] : []));
}

function nameOf(clientId: unknown): string {
  return String(clientId).slice(TRACE.length + 1);
}

/** What deciding needs; nobody listens for changes here. */
function deps(wrapperGraceSeconds: number): HeldDeps {
  const mergeSignal = { raise() {} };
  return { db, config: { wrapperGraceSeconds }, now: () => START_MS, redis: redis(), mergeSignal };
}

describe("a wrapper", () => {
  it("never counts above a call, in whichever order they come", async () => {
    const [one, two] = [await ledger(), await ledger()];
    await one.send(call("c", "w"));
    await one.send(wrapper("w", null));
    await one.wait();
    expect(await one.counted()).toBe("c");
    await two.send(wrapper("w", null));
    await two.send(call("c", "w"));
    await two.wait();
    expect(await two.counted()).toBe("c");
  });

  it("counts once the grace time is over and no call came; a later one takes its place", async () => {
    const { send, wait, counted } = await ledger();
    await send(wrapper("w", null));
    expect(await counted()).toBe("");
    await wait();
    expect(await counted()).toBe("w");
    await send(link("t", "w"));
    await send(call("x", "t"));
    expect(await counted()).toBe("x");
  });

  it("counts only as the outermost, also when that one comes last", async () => {
    const { send, wait, counted } = await ledger();
    await send(wrapper("b", "a"));
    await wait();
    expect(await counted()).toBe("b");
    await send(wrapper("a", null));
    expect(await counted()).toBe("b");
    await wait();
    expect(await counted()).toBe("a");
  });

  it("waits for a span that may join a call to it", async () => {
    const { send, wait, counted } = await ledger();
    // Who knows what is between the call and the root?
    await send(wrapper("w", null), call("c", "m"));
    await wait();
    expect(await counted()).toBe("c");
    // A sibling of the wrapper: then it was a call of its own.
    await send(link("r", null), link("m", "r"));
    expect(await counted()).toBe("cw");
  });

  it("is no rival of a call beside it, even where the span above both is missing", async () => {
    const { send, wait, counted } = await ledger();
    await send(wrapper("w", "m"), call("c", "m"));
    await wait();
    expect(await counted()).toBe("cw");
  });

  it("is none without tokens: it hides no other", async () => {
    const { send, wait, counted } = await ledger();
    await send(wrapper("a", null, { inputTokens: 0, outputTokens: 0 }), wrapper("b", "a"));
    await wait();
    expect(await counted()).toBe("b");
  });

  it("does not count below a call", async () => {
    const { send, wait, counted } = await ledger();
    await send(call("c", null), wrapper("w", "c"));
    await wait();
    expect(await counted()).toBe("c");
  });
});

describe("a call around a call of its kind", () => {
  it("does not count, whichever comes first", async () => {
    const [one, two] = [await ledger(), await ledger()];
    await one.send(call("o", null), call("i", "o"));
    expect(await one.counted()).toBe("i");
    await two.send(call("o", null));
    expect(await two.counted()).toBe("o");
    await two.send(call("i", "o"));
    expect(await two.counted()).toBe("i");
  });

  it("counts where only it knows the tokens", async () => {
    const { send, counted } = await ledger();
    await send(call("o", null), call("i", "o", UNKNOWN));
    expect(await counted()).toBe("o");
    await send(call("j", "o"));
    expect(await counted()).toBe("ij");
  });

  it("counts beside what is of another kind", async () => {
    const { send, counted } = await ledger();
    await send(call("o", null), call("i", "o", { operation: "embeddings" }));
    expect(await counted()).toBe("io");
  });
});

describe("what tells two calls from one", () => {
  it("is a tool or an agent between them", async () => {
    const { send, counted } = await ledger();
    await send(call("o", null), link("t", "o", { wrapper: true }), wrapper("a", "t"), call("i", "a"));
    expect(await counted()).toBe("io");
    // A plain span is none.
    const { send: sendPlain, counted: countedPlain } = await ledger();
    await sendPlain(call("o", null), link("t", "o"), call("i", "t"));
    expect(await countedPlain()).toBe("i");
  });

  it("is that they have two responses", async () => {
    const { send, counted } = await ledger();
    await send(call("o", null, { responseId: "resp_outer" }), call("i", "o", { responseId: "resp_inner" }));
    expect(await counted()).toBe("io");
  });
});

describe("spans that no tracer should send", () => {
  const at = (i: number, changes: Partial<Call>): Partial<Call> => ({
    startedAtMs: START_MS + i,
    clientId: `${TRACE}:${i}`,
    ...changes,
  });

  it("count each, where one span id comes again and again at other times", async () => {
    const { send, rows } = await ledger();
    for (let i = 0; i < 12; i++) {
      const copy = (name: string, make: typeof call, above: string | null): Sent =>
        make(name, above, at(1_000 * i + name.charCodeAt(0), { clientId: `${TRACE}:${name}${i}` }));
      await send(copy("a", wrapper, null), copy("b", wrapper, "a"), copy("c", call, "b"));
    }
    expect((await rows()).filter((row) => row["billable"])).toHaveLength(12);
  });

  it("stay in the trace where they came first, where one call is said to be in two", async () => {
    const { send, rows } = await ledger();
    await send(call("a", "w"), wrapper("w", null));
    await send(call("a", null, { traceId: "5".repeat(32) }), call("b", null, { traceId: "5".repeat(32) }));
    expect((await rows()).filter((row) => row["billable"])).toHaveLength(2);
  });

  it("count, where they are their own parents, or each other's", async () => {
    const { send, rows } = await ledger();
    const pair = (i: number): Sent[] => [
      call("a", "a", at(10 * i, {})),
      call("b", "c", at(10 * i + 1, { operation: "embeddings" })),
      call("c", "b", at(10 * i + 2, {})),
    ];
    for (let i = 0; i < 8; i++) await send(...pair(i));
    expect((await rows()).filter((row) => row["billable"])).toHaveLength(24);
  });

  it("are settled in time, be they thousands: a chain, and a tree", async () => {
    const span = (i: number): string => (i + 1).toString(16).padStart(16, "0");
    const tree = (above: (i: number) => number, changes: Partial<Call>): Sent[] =>
      Array.from({ length: 4_000 }, (_, i) =>
        wrapper("w", null, at(i, { spanId: span(i), parentId: i === 0 ? null : span(above(i)), ...changes })),
      );
    const { send, wait, counted } = await ledger();
    await send(...tree((i) => i - 1, {}));
    await wait();
    expect(await counted()).toBe("0");
    const { send: sendTree, wait: waitTree, counted: countedTree } = await ledger();
    await sendTree(...tree((i) => Math.floor((i - 1) / 2), {}));
    await waitTree();
    expect(await countedTree()).toBe("0");
  });
});

describe("what does not count yet", () => {
  it("is priced anew with all else, so that it counts at today's price", async () => {
    const { project, send, wait, rows } = await ledger();
    await send(wrapper("w", null), call("c", null, { traceId: "5".repeat(32) }));
    const scope = { projectId: project, fromMs: START_MS, toMs: START_MS + 1_000, providers: [], models: [] };
    const options = { cursor: null, limit: 10, apply: true };
    const { looked, restated } = await repriceStep(db, dearer(7n), { ...scope, unpricedOnly: false }, options);
    expect([looked, restated.length]).toEqual([1, 1]);
    await wait();
    // 1,100 tokens at 7 pico-USD each
    expect((await rows()).map((row) => row["cost_pico"])).toEqual(["7700", "7700"]);
  });
});

describe("a deleted call", () => {
  it("is as if it had never been sent", async () => {
    const { project, send, wait, counted } = await ledger();
    const one = call("a", null, { traceId: null, spanId: null, responseId: "resp_1" }) as { trace: Call };
    const two = call("b", null, { traceId: null, spanId: null, responseId: "resp_1" });
    const child = call("c", "w") as { trace: Call };
    await send(one, two, wrapper("w", null), child);
    await wait();
    expect(await counted()).toBe("ac");
    expect(await deleteTrace(db, project, one.trace.id)).toBe(true);
    expect(await counted()).toBe("bc");
    expect(await deleteTrace(db, project, child.trace.id)).toBe(true);
    expect(await counted()).toBe("bw");
    await send(child, one);
    expect(await counted()).toBe("ac");
    expect((await audit(db, project, START_MS, START_MS + 1)).mismatches).toEqual([]);
  });
});

describe("a deleted sighting", () => {
  it("leaves its response to a wrapper only where no call can hold it", async () => {
    const { project, send, wait, counted } = await ledger();
    const r = { responseId: "resp_1" };
    const gateway = call("g", null, { traceId: null, spanId: null, ...r }) as { trace: Call };
    const child = call("c", "w", r) as { trace: Call };
    await send(wrapper("w", null, r));
    await wait();
    await send(gateway);
    expect(await counted()).toBe("g");
    await deleteTrace(db, project, gateway.trace.id);
    expect(await counted()).toBe("w");
    await send(child, call("d", "w", { responseId: "resp_2" }), gateway);
    expect(await counted()).toBe("cd");
    await deleteTrace(db, project, child.trace.id);
    expect(await counted()).toBe("dg");
  });

  it("leaves its response as it would be without it, also to sightings that come later", async () => {
    const own = { traceId: null, spanId: null, responseId: "resp_1" };
    const all = [
      call("a", null, { ...own, ...UNKNOWN }),
      call("b", null, { ...own, ...UNKNOWN, pages: 2 }),
      call("c", null, { ...own, serviceTier: "Standard", outputTokens: 90 }),
      call("d", null, { ...own, outputTokens: 80 }),
      call("e", null, { ...own, outputTokens: 101 }),
      call("f", null, { ...own, cacheWriteTokens: 10, cacheWrite5mTokens: 10 }),
      call("g", null, { ...own, serviceTier: "flex", cacheWriteTokens: 10 }),
    ] as { trace: Call }[];
    const rowOf = async (project: string) => {
      const [row] = await db.query(sql`
        select right(t.client_id, 1) as holder, r.detail, r.weight from responses r
        left join traces t on t.project_id = r.project_id and t.id = r.holder where r.project_id = ${project}::uuid`);
      return row;
    };
    for (let last = all.length - 1; last > 0; last--) {
      const [deleting, without] = [await ledger(), await ledger()];
      await deleting.send(...all.slice(0, last + 1));
      await deleteTrace(db, deleting.project, all[last]!.trace.id);
      await without.send(...all.slice(0, last));
      expect(await rowOf(deleting.project), nameOf(all[last]!.trace.clientId)).toEqual(await rowOf(without.project));
      expect(await deleting.counted()).toBe(await without.counted());
    }
  });
});

describe("bodies that no settling can follow", () => {
  it("are stored, where one id stands in two places of a body", async () => {
    const { send, rows } = await ledger();
    const nowhere = { traceId: null, spanId: null };
    await send(call("a", null, nowhere), call("a", null), call("b", "a"));
    expect((await rows()).filter((row) => row["billable"])).toHaveLength(2);
  });

  it("are settled by cron, where very many write to one trace at once", async () => {
    const { project, wait, rows } = await ledger();
    const writers = Array.from({ length: 40 }, (_, i) => {
      const spanId = (i + 4_096).toString(16).padStart(16, "0");
      const { trace } = call("x", null, { clientId: `${TRACE}:${i}`, startedAtMs: START_MS + i, spanId }) as {
        trace: Call;
      };
      const { link: above } = link("u", null, { userId: "ada" }) as { link: Link };
      return writeBatch(db, project, [priced({ ...trace, parentId: idOf("u") })], { links: [above] });
    });
    await Promise.all(writers);
    await wait();
    const all = await rows();
    expect(all.filter((row) => row["billable"] && row["user_id"] === "ada")).toHaveLength(40);
  });

  it("are stored, where what is inherited is more than one statement carries", async () => {
    const { project, send } = await ledger();
    const tags = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`tag-${i}`, "x".repeat(100)]));
    const calls = Array.from({ length: 4_000 }, (_, i) =>
      call("x", "u", {
        clientId: `${TRACE}:${i}`,
        startedAtMs: START_MS + i,
        spanId: (i + 4_096).toString(16).padStart(16, "0"),
        tags: i % 2 === 0 ? {} : { own: String(i) },
      }),
    );
    await send(...calls);
    await send(link("u", null, { userId: "ada", tags }), call("last", "u"));
    const [row] = await db.query(sql`
      select count(*)::int as calls from traces where project_id = ${project}::uuid and billable`);
    expect(row!["calls"]).toBe(4_001);
  });
});

describe("two sightings of one response", () => {
  const seen = (name: string, changes: Partial<Call> = {}): Sent =>
    call(name, null, { traceId: null, spanId: null, responseId: "chatcmpl-9xKq", ...changes });

  it("count once: the first", async () => {
    const { send, counted } = await ledger();
    await send(seen("a"));
    await send(seen("b"), seen("c"), seen("a"));
    expect(await counted()).toBe("a");
  });

  it("count as the one that tells most of what is priced", async () => {
    const { send, counted } = await ledger();
    await send(seen("a", UNKNOWN));
    await send(seen("b", { cacheReadTokens: 0 }));
    expect(await counted()).toBe("b");
    await send(seen("c", { cacheReadTokens: 10 }), seen("d"));
    expect(await counted()).toBe("c");
    await send(seen("e", { serviceTier: "flex" }));
    expect(await counted()).toBe("c");
  });

  /** States of one stream: the later, the more output. What the first says beside its counts changes no price. */
  const states = [
    seen("a", { cacheWriteTokens: 300, cacheWrite5mTokens: 300, outputTokens: 1, serviceTier: "standard" }),
    seen("b", { cacheWriteTokens: 300, outputTokens: 384 }),
    seen("c", { cacheWriteTokens: 300, outputTokens: 40 }),
  ];

  it("count as the last state of a stream, in whichever order and bodies they come", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(states, { minLength: 3 }),
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 3, maxLength: 3 }),
        async (shuffled, sizes) => {
          const { send, counted } = await ledger();
          for (let at = 0, body = 0; at < shuffled.length; body++)
            await send(...shuffled.slice(at, (at += sizes[body]!)));
          expect(await counted()).toBe("b");
        },
      ),
      { numRuns: 12 },
    );
  });

  it("count as the one with more tokens only where they tell equally much; as the first where tokens are equal, too", async () => {
    const { send, counted } = await ledger();
    await send(seen("a", { inputTokens: 900, cacheReadTokens: 100 }), seen("b", { outputTokens: 5_000 }));
    expect(await counted()).toBe("a");
    await send(seen("c", { inputTokens: 899, outputTokens: 101, cacheReadTokens: 100 }));
    expect(await counted()).toBe("a");
    await send(seen("d", { inputTokens: 901, cacheReadTokens: 100 }));
    expect(await counted()).toBe("d");
  });

  it("count as the one that knows what it is billed by, where that is no token", async () => {
    const { send, counted } = await ledger();
    await send(seen("a", UNKNOWN));
    await send(seen("b", { ...UNKNOWN, audioSeconds: 30 }));
    expect(await counted()).toBe("b");
  });

  it("count as one within a trace too, where one is below the other", async () => {
    const { send, counted } = await ledger();
    await send(call("o", null, { responseId: "chatcmpl-9xKq" }), call("i", "o", { responseId: "chatcmpl-9xKq" }));
    expect((await counted()).length).toBe(1);
  });

  it("count once also where one is a wrapper that had counted for want of a call", async () => {
    const [one, two] = [await ledger(), await ledger()];
    const agent = wrapper("w", null, { responseId: "chatcmpl-9xKq" });
    await one.send(agent);
    await one.wait();
    expect(await one.counted()).toBe("w");
    await one.send(seen("a"));
    expect(await one.counted()).toBe("a");
    await two.send(seen("a"));
    await two.send(agent);
    await two.wait();
    expect(await two.counted()).toBe("a");
  });

  it("are as many calls, where the id is everybody's", async () => {
    const { send, counted } = await ledger();
    const names = [..."abcdefghijklmnopqrst"];
    await send(...names.slice(0, 10).map((name) => seen(name)));
    expect((await counted()).length).toBe(1);
    for (const name of names.slice(10)) await send(seen(name));
    expect(await counted()).toBe(names.join(""));
  });

  it("are two calls when an hour lies between them, or when the id is one of a thousand", async () => {
    const { send, counted } = await ledger();
    await send(seen("a"), seen("b", { startedAtMs: START_MS + 3_700_000 }));
    await send(seen("d", { responseId: "chatcmpl-42" }), seen("e", { responseId: "chatcmpl-42" }));
    expect(await counted()).toBe("abde");
  });

  it("count once when many writers send them at the same time", async () => {
    const { project, counted } = await ledger();
    const names = [..."abcdefghijklmnop"];
    await Promise.all(
      names.map((name) => {
        const { trace } = seen(name) as { trace: Call };
        return writeBatch(db, project, [priced(trace)]);
      }),
    );
    expect((await counted()).length).toBe(1);
  });
});

describe("user, session and tags", () => {
  it("come from the nearest span above that says them, in whichever order they come", async () => {
    const spans = [
      call("c", "s", { tags: { team: "own" } }),
      link("s", "r", { userId: "near", tags: { team: "near", feature: "near" } }),
      link("r", null, { userId: "far", sessionId: "far", tags: { feature: "far", plan: "far" } }),
    ];
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([0, 1, 2], { minLength: 3 }), async (order) => {
        const { send, rows } = await ledger();
        for (const at of order) await send(spans[at]!);
        const tags = { team: "own", feature: "near", plan: "far" };
        expect(await rows()).toMatchObject([{ user_id: "near", session_id: "far", tags }]);
      }),
      { numRuns: 6 },
    );
  });

  it("are no conflict when the call is sent again without them", async () => {
    const { project, send } = await ledger();
    const sent = call("c", "s") as { trace: Call };
    await send(sent, link("s", null, { userId: "ada", sessionId: "one", tags: { team: "red" } }));
    const again = await writeBatch(db, project, [priced(sent.trace)]);
    expect(again.outcomes).toEqual(["duplicate"]);
    const other = await writeBatch(db, project, [priced({ ...sent.trace, userId: "bob" })]);
    expect(other.outcomes).toEqual(["conflict"]);
  });
});

describe("a wrapper whose time has come while calls come below it", () => {
  it("never counts beside them, in no snapshot", async () => {
    const { project, send, wait, rows } = await ledger();
    const names = Array.from({ length: 40 }, (_, i) => String.fromCharCode(0x100 + i));
    const of = (name: string, make: typeof call, spanId: string, above: string | null, changes = {}): Sent =>
      make(name, null, {
        traceId: name.charCodeAt(0).toString(16).padStart(32, "0"),
        spanId,
        parentId: above,
        ...changes,
      });
    const [outer, inner] = [idOf("o"), idOf("i")];
    const clientId = (name: string, span: string) => `${TRACE}:${span}${name}`;
    await send(...names.map((name) => of(name, wrapper, outer, null, { clientId: clientId(name, "w") })));
    await db.query(sql`
      update traces set received_at = now() - interval '1 day' where project_id = ${project}::uuid`);
    await db.query(sql`update held_wrappers set due_at = now() where project_id = ${project}::uuid`);

    const done = new AbortController();
    const reader = async (): Promise<number> => {
      let most = 0;
      while (!done.signal.aborted) {
        const [row] = await db.query(sql`
          select coalesce(max(n), 0)::int as most from (
            select count(*) filter (where billable) as n from traces where project_id = ${project}::uuid group by trace_id
          ) as counted`);
        most = Math.max(most, row!["most"] as number);
      }
      return most;
    };
    const reading = reader();
    await Promise.all([
      decideHeld(deps(300), Infinity, () => {}),
      decideHeld(deps(300), Infinity, () => {}),
      ...names.map((name) => send(of(name, call, inner, outer, { clientId: clientId(name, "c") }))),
    ]);
    done.abort();
    expect(await reading).toBe(1);
    await wait();
    const counted = (await rows()).filter((row) => row["billable"]);
    expect(counted.map((row) => nameOf(row["client_id"])[0])).toEqual(names.map(() => "c"));
  });
});

describe("spans of one trace that are written at the same time", () => {
  const names = Array.from({ length: 60 }, (_, i) => String.fromCharCode(0x100 + i));
  /** The frame and the call of a trace of their own, the call first. */
  const framed = (name: string): [Sent, Sent] => {
    const own = { traceId: name.charCodeAt(0).toString(16).padStart(32, "0") };
    const outer = call(name, null, { ...own, spanId: idOf("o"), userId: "ada" });
    return [call(name, null, { ...own, spanId: idOf("i"), parentId: idOf("o"), clientId: `${TRACE}:i${name}` }), outer];
  };

  it("see each other: one of the two is always the second", async () => {
    const { project, counted, rows } = await ledger();
    const pairs = names.map(framed);
    await Promise.all(pairs.flat().map((sent) => writeBatch(db, project, batchOf([sent]))));
    expect(await counted()).toBe(names.map((name) => `i${name}`).join(""));
    expect((await rows()).filter((row) => row["user_id"] !== "ada")).toEqual([]);
  });

  it("keep rollup = raw while they are priced anew", async () => {
    const { project, counted } = await ledger();
    const pairs = names.map(framed);
    await writeBatch(db, project, batchOf(pairs.map(([, outer]) => outer)));
    const done = new AbortController();
    const repricing = async (): Promise<void> => {
      const scope = { projectId: project, fromMs: START_MS, toMs: START_MS + 1_000, providers: [], models: [] };
      for (let dear = 1n; !done.signal.aborted; dear++) {
        const options = { cursor: null, limit: 1_000, apply: true };
        await repriceStep(db, dearer(dear), { ...scope, unpricedOnly: false }, options);
      }
    };
    const repriced = [repricing(), repricing()];
    await Promise.all(pairs.map(([inner]) => writeBatch(db, project, batchOf([inner])))).finally(() => done.abort());
    await Promise.all(repriced);
    expect(await counted()).toBe(names.map((name) => `i${name}`).join(""));
    expect((await audit(db, project, START_MS, START_MS + 1)).mismatches).toEqual([]);
  });
});

/** Whatever a token costs in the catalogue, here it is one price for all. */
function dearer(picoPerToken: bigint): Pricer {
  const unitPico = BUCKETS.map(() => picoPerToken);
  const price = withId({ source: "test", version: "1", provider: "p", model: "m", unitPico });
  return {
    costOf: ({ provider }) => ({ costPico: 1_100n * picoPerToken, unpricedReason: null, price, provider }),
  };
}

/** Trees of up to eight spans, each of whatever sort below any earlier one, or below one that never comes. */
const trees = fc
  .array(
    fc.record({
      sort: fc.constantFrom("call", "call", "wrapper", "link"),
      above: fc.option(fc.nat(7), { freq: 4 }),
      kind: fc.constantFrom("chat", "chat", "embeddings"),
      tokens: fc.constantFrom<Partial<Call>>({}, {}, UNKNOWN, { inputTokens: 0, outputTokens: 0, status: "error" }),
      userId: fc.constantFrom(null, null, "ada", "bob"),
      tags: fc.constantFrom<Record<string, string>>({}, {}, { team: "red" }, { team: "blue", plan: "x" }),
    }),
    { minLength: 2, maxLength: 8 },
  )
  .map((specs) =>
    specs.map(({ sort, above, kind, tokens, userId, tags }, i): Sent => {
      const name = String.fromCharCode(97 + i);
      const parent = above === null ? null : above < i ? String.fromCharCode(97 + above) : "z";
      if (sort === "link") return link(name, parent, { userId, tags });
      const make = sort === "call" ? call : wrapper;
      return make(name, parent, { operation: kind, userId, tags, ...tokens });
    }),
  );

describe("a trace", () => {
  it("ends the same whatever the order and the bodies its spans come in", async () => {
    await fc.assert(
      fc.asyncProperty(
        trees.chain((spans) =>
          fc.tuple(
            fc.constant(spans),
            fc.shuffledSubarray(spans, { minLength: spans.length }),
            fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 8, maxLength: 8 }),
            fc.boolean(),
          ),
        ),
        async ([spans, shuffled, sizes, waits]) => {
          const [whole, parts] = [await ledger(), await ledger()];
          await whole.send(...spans);
          await whole.wait();
          for (let at = 0, body = 0; at < shuffled.length; body++) {
            await parts.send(...shuffled.slice(at, (at += sizes[body]!)));
            if (waits) await parts.wait();
          }
          await parts.wait();
          expect(await parts.rows()).toEqual(await whole.rows());
        },
      ),
      { numRuns: 40 },
    );
  });
});
