/** A request that is wrong as a whole: a 4xx that says why, and nothing stored. */
import { describe, expect, it, vi } from "vitest";
import type { Database } from "../../src/db/client.ts";
import { createIntake } from "../../src/http/intake.ts";
import { createKeyring } from "../../src/keyring.ts";
import { appWith, call, db, ingested, ledgerOf, openLedger, problem, QUEUE_MODE, WEEK, type Ledger } from "./ledger.ts";

const MIB = 2 ** 20;

async function compress(bytes: Uint8Array | string): Promise<Uint8Array> {
  const stream = new Response(bytes as string).body!.pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** A body that comes in pieces, without a length. */
function streamed(totalBytes: number, onPull: (sent: number) => void = () => {}): ReadableStream<Uint8Array> {
  let sent = 0;
  const piece = new Uint8Array(64 * 1024).fill(0x20);
  return new ReadableStream({
    pull(controller) {
      if (sent >= totalBytes) return controller.close();
      sent += piece.byteLength;
      onPull(sent);
      controller.enqueue(piece);
    },
  });
}

async function expectNothingStored(ledger: Ledger): Promise<void> {
  expect((await ledger.summary(WEEK)).totals.requests).toBe(0);
}

describe("a body over 8 MiB is 413", () => {
  it("by its Content-Length", async () => {
    const ledger = await openLedger();
    const response = await ledger.post(new Uint8Array(8 * MIB + 1).fill(0x20), {
      "content-length": String(8 * MIB + 1),
    });
    await problem(response, 413, "body_too_large");
  });

  it("streamed, and not read on past the cap", async () => {
    const ledger = await openLedger();
    let read = 0;
    const response = await ledger.post(streamed(64 * MIB, (sent) => (read = sent)));
    await problem(response, 413, "body_too_large");
    expect(read).toBeLessThan(10 * MIB);
  });

  it("after decompression: a bomb of 200 MB in 200 KB", async () => {
    const ledger = await openLedger();
    const bomb = new Response(streamed(200 * MIB)).body!.pipeThrough(new CompressionStream("gzip"));
    const bytes = new Uint8Array(await new Response(bomb).arrayBuffer());
    expect(bytes.byteLength).toBeLessThan(300_000);
    await problem(await ledger.post(bytes, { "content-encoding": "gzip" }), 413, "body_too_large");
  });

  it("but 8 MiB of blanks around an item are fine", async () => {
    const ledger = await openLedger();
    const item = JSON.stringify(call());
    const body = item + " ".repeat(8 * MIB - item.length);
    expect(await ingested(await ledger.post(await compress(body), { "content-encoding": "gzip" }))).toMatchObject({
      inserted: 1,
    });
  });
});

describe("more than 5,000 items are 413", () => {
  const items = (count: number): string[] => Array.from({ length: count }, () => "{}");

  it.each([
    ["an array", "application/json", `[${items(5_001).join()}]`],
    ['{"traces"}', "application/json", `{"traces":[${items(5_001).join()}]}`],
    ["NDJSON", "application/x-ndjson", items(5_001).join("\n")],
  ])("in %s", async (_, type, body) => {
    const ledger = await openLedger();
    await problem(await ledger.post(body, { "content-type": type }), 413, "body_too_large");
  });

  it("but 5,000 are stored", async () => {
    const ledger = await openLedger();
    const many = Array.from({ length: 5_000 }, () => call({ input_tokens: 1, output_tokens: 0 }));
    expect(await ledger.write(many)).toMatchObject({ accepted: 5_000, inserted: 5_000, errors: [] });
    expect((await ledger.summary(WEEK)).totals).toMatchObject({ requests: 5_000, cost_usd: "0.0125" });
  });
});

describe("more objects, arrays or members than any honest body has are 413", () => {
  it.each([
    ["objects and arrays", `[${"[],".repeat(300_000)}{}]`],
    ["members", `[{${'"a":1,'.repeat(600_000)}"a":1}]`],
    ["in lines", `{"a":[${"[],".repeat(200_000)}[]]}\n{"a":[${"[],".repeat(200_000)}[]]}`, "application/x-ndjson"],
  ])("%s", async (_, body, type = "application/json") => {
    const ledger = await openLedger();
    await problem(await ledger.post(body, { "content-type": type }), 413, "body_too_large");
  });

  it("but numbers as many as fit are taken", async () => {
    const ledger = await openLedger();
    const body = JSON.stringify(call({ embedding: [] })).replace("[]", `[${"1,".repeat(3_900_000)}1]`);
    expect(await ingested(await ledger.post(body))).toMatchObject({ inserted: 1 });
  });
});

describe("bodies in work", () => {
  const drip = (): ReadableStream<Uint8Array> =>
    new ReadableStream({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        controller.enqueue(new Uint8Array([0x20]));
      },
    });

  it("that drip are cut after a bounded time, whatever they say of their length", async () => {
    const { projectId, key } = await openLedger();
    const ledger = ledgerOf(projectId, key, appWith({ intake: createIntake(undefined, 50) }));
    await problem(await ledger.post(drip()), 408, "body_timeout");
    await problem(await ledger.post(drip(), { "content-encoding": "gzip" }), 408, "body_timeout");
  });

  it("that break off are the client's matter, and no error in the log", async () => {
    const logged = vi.spyOn(console, "error");
    const { projectId, key } = await openLedger();
    const ledger = ledgerOf(projectId, key, appWith({}));
    const broken = (): ReadableStream<Uint8Array> =>
      new ReadableStream({
        pull: (controller) => controller.error(new Error("Network connection lost.")),
      });
    await problem(await ledger.post(broken()), 400, "invalid_body");
    await problem(await ledger.post(broken(), { "content-length": "100" }), 400, "invalid_body");
    expect(logged).not.toHaveBeenCalled();
    logged.mockRestore();
  });

  it("are bounded together: beyond it is 503 with Retry-After, until one is done", async () => {
    const { projectId, key } = await openLedger();
    let open = Promise.withResolvers<void>();
    const slow: Database = {
      ...db,
      run: async (...statement) => (await open.promise, await db.run(...statement)),
      batch: async (statements) => (await open.promise, await db.batch(statements)),
    };
    const fetch = appWith({ db: slow, keyring: createKeyring(db), intake: createIntake(64 * 1_024) });
    const ledger = ledgerOf(projectId, key, fetch);
    const many = (count: number): unknown[] => Array.from({ length: count }, () => call());
    // 40 calls count as 40 KiB until they are stored. They leave no room for 30 more, nor for a body of 30 KiB.
    if (!QUEUE_MODE) {
      const first = ledger.post(many(40));
      await new Promise((resolve) => setTimeout(resolve, 200));
      for (const body of [many(30), `${JSON.stringify(call())}${" ".repeat(30 * 1_024)}`]) {
        const refused = await ledger.post(body);
        expect(refused.headers.get("retry-after")).toBe("5");
        await problem(refused, 503, "overloaded");
      }
      open.resolve();
      expect(await ingested(await first)).toMatchObject({ inserted: 40 });
    }
    open = Promise.withResolvers();
    open.resolve();
    expect(await ingested(await ledger.post(many(30)))).toMatchObject({ inserted: 30 });
    await problem(await ledger.post(" ".repeat(65 * 1_024)), 503, "overloaded");
    expect(await ingested(await ledger.post(many(60)))).toMatchObject({ inserted: 60 });
  });
});

describe("gzip of several members", () => {
  it("is read to its end", async () => {
    const ledger = await openLedger();
    const members = await Promise.all([JSON.stringify(call()), "\n", JSON.stringify(call())].map(compress));
    const body = new Uint8Array(await new Blob(members as never[]).arrayBuffer());
    const headers = { "content-encoding": "gzip", "content-type": "application/x-ndjson" };
    expect(await ingested(await ledger.post(body, headers))).toMatchObject({ inserted: 2 });
  });

  it("has 8 MiB in all", async () => {
    const ledger = await openLedger();
    const member = await compress(" ".repeat(5 * MIB));
    const body = new Uint8Array(await new Blob([member, member] as never[]).arrayBuffer());
    await problem(await ledger.post(body, { "content-encoding": "gzip" }), 413, "body_too_large");
  });
});

describe("gzip that is none is 400", () => {
  const good = () => compress(JSON.stringify(call()));
  it.each([
    ["truncated", async () => (await good()).slice(0, -6)],
    ["cut to half", async () => (await good()).slice(0, 40)],
    ["with bytes behind it", async () => new Uint8Array([...(await good()), 1, 2, 3])],
    ["plain JSON", async () => new TextEncoder().encode(JSON.stringify(call()))],
    ["with a flipped bit", async () => (await good()).with(20, 0xff)],
    ["empty", async () => new Uint8Array()],
  ])("%s", async (_, body) => {
    const ledger = await openLedger();
    await problem(await ledger.post(await body(), { "content-encoding": "gzip" }), 400, "invalid_body");
    await expectNothingStored(ledger);
  });
});

describe("a body that cannot be read is 400", () => {
  const encode = (text: string) => new TextEncoder().encode(text);
  it.each([
    ["invalid UTF-8", new Uint8Array([...encode('{"id":"'), 0xff, 0xfe, ...encode('"}')])],
    ["a surrogate in UTF-8", new Uint8Array([...encode('{"id":"'), 0xed, 0xa0, 0x80, ...encode('"}')])],
    ["bad JSON", encode('{"id":')],
    ["an empty body", encode("")],
    ["a number", encode("7")],
    ["null", encode("null")],
    ["text", encode('"text"')],
    ["NaN", encode("[NaN]")],
    ["traces that are no array", encode('{"traces":{}}')],
    ["33 levels", encode(`${"[".repeat(33)}${"]".repeat(33)}`)],
    [
      "33 levels beside the items",
      encode(`{"traces":[${JSON.stringify(call())}],"x":${"[".repeat(32)}${"]".repeat(32)}}`),
    ],
    ["513 levels in an item", encode(`[${JSON.stringify(call())},${"[".repeat(512)}${"]".repeat(512)}]`)],
    ["a million levels", encode("[".repeat(1_000_000) + "]".repeat(1_000_000))],
    ["a million objects", encode(`${'{"a":'.repeat(1_000_000)}1${"}".repeat(1_000_000)}`)],
  ])("%s", async (_, body) => {
    const ledger = await openLedger();
    await problem(await ledger.post(body), 400, "invalid_body");
    await expectNothingStored(ledger);
  });

  it("invalid UTF-8 in NDJSON", async () => {
    const ledger = await openLedger();
    const body = new Uint8Array([...encode(`${JSON.stringify(call())}\n`), 0xc3, 0x28]);
    await problem(await ledger.post(body, { "content-type": "application/x-ndjson" }), 400, "invalid_body");
    await expectNothingStored(ledger);
  });

  it("but in NDJSON a line of a million levels is only an item in error", async () => {
    const ledger = await openLedger();
    const body = `${"[".repeat(1_000_000)}\n${'{"a":'.repeat(40)}1${"}".repeat(40)}\n${JSON.stringify(call())}`;
    const response = await ledger.post(body, { "content-type": "application/x-ndjson" });
    expect(await ingested(response)).toMatchObject({ inserted: 1, rejected: 2 });
  });
});

describe("what the body is said to be is 415 where it is not taken", () => {
  it.each([
    [{ "content-encoding": "br" }],
    [{ "content-encoding": "deflate" }],
    [{ "content-encoding": "gzip, gzip" }],
    [{ "content-type": "text/plain" }],
    [{ "content-type": "application/xml" }],
    [{ "content-type": "" }],
    [{ "content-type": "multipart/form-data; boundary=x" }],
  ])("%j", async (headers) => {
    const ledger = await openLedger();
    await problem(await ledger.post(call(), headers as Record<string, string>), 415, "unsupported_media_type");
    await expectNothingStored(ledger);
  });
});

it("takes a BOM in front of the JSON", async () => {
  const ledger = await openLedger();
  expect(await ingested(await ledger.post(`\ufeff${JSON.stringify(call())}`))).toMatchObject({ inserted: 1 });
});
