import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { parseCaptureArgs } from "../../scripts/capture/options.ts";
import { type Recorder, startRecorder } from "../../scripts/capture/recorder.ts";
import { connect, type Ledger } from "../../scripts/client/ledger.ts";
import { CommandError, HelpAsked } from "../../scripts/command.ts";
import { bodiesOf, NOW as AFTER_ALL } from "../captures.ts";
import { chat, jsonRequest, NOW, toProtobuf } from "../ingest/decode/otlp/request.ts";

const request = jsonRequest({ spans: [chat({ "gen_ai.usage.cache_read.input_tokens": 40 }), { attributes: {} }] });

const opened: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

interface Recording {
  recorder: Recorder;
  out: string;
  lines: string[];
}

async function record(forwardTo?: Ledger, nowMs = NOW): Promise<Recording> {
  const out = await mkdtemp(join(tmpdir(), "capture-"));
  opened.push(() => rm(out, { recursive: true }));
  const lines: string[] = [];
  const options = { out, port: 0, forwardTo, now: () => nowMs, log: (line: string) => void lines.push(line) };
  const recorder = await startRecorder(options);
  opened.push(recorder.close);
  return { recorder, out, lines };
}

function post(url: string, body: Uint8Array | string, headers: Record<string, string>): Promise<Response> {
  return fetch(url, { method: "POST", body: typeof body === "string" ? body : new Uint8Array(body), headers });
}

describe("npm run capture", () => {
  it("keeps what was sent, byte for byte and in order, and answers in the same form", async () => {
    const { recorder, out, lines } = await record();
    const zipped = gzipSync(toProtobuf(request));
    const protobuf = { "content-type": "application/x-protobuf", "content-encoding": "gzip" };
    const first = await post(`${recorder.url}/v1/traces?x=1`, zipped, { ...protobuf, "x-api-key": "sk-1" });
    expect(first.status).toBe(200);
    expect(first.headers.get("content-type")).toBe("application/x-protobuf");
    expect(await first.bytes()).toHaveLength(0);

    const json = JSON.stringify(request);
    const authorization = "Basic c2VjcmV0";
    const path = "/api/public/otel/v1/traces";
    const second = await post(recorder.url + path, json, { "content-type": "application/json", authorization });
    expect(second.headers.get("content-type")).toBe("application/json");
    expect(await second.json()).toEqual({});

    expect((await readdir(out)).sort()).toEqual(["01.body", "01.json", "02.body", "02.json"]);
    expect(recorder.written()).toBe(2);
    expect(await readFile(join(out, "01.body"))).toEqual(zipped);
    expect(await readFile(join(out, "02.body"), "utf8")).toBe(json);
    const described = JSON.parse(await readFile(join(out, "01.json"), "utf8")) as { headers: object };
    expect(described).toMatchObject({ method: "POST", path: "/v1/traces", ...protobuf });
    expect(described.headers).toMatchObject({ "x-api-key": "redacted" });
    expect(described.headers).not.toHaveProperty("host");
    expect(JSON.parse(await readFile(join(out, "02.json"), "utf8"))).toMatchObject({
      path,
      "content-encoding": null,
      headers: { authorization: "redacted" },
    });

    const call = "call | chat openai/gpt-5-mini | inputTokens 100 outputTokens 20 cacheReadTokens 40";
    expect(lines).toEqual([
      `01 /v1/traces protobuf, ${zipped.length} bytes: 2 items, 1 calls`,
      `  01 ${call} | by gen_ai.operation.name | inclusive | costs $0.000056`,
      `02 ${path} json, ${json.length.toLocaleString("en-US")} bytes: 2 items, 1 calls`,
      `  02 ${call} | by gen_ai.operation.name | inclusive | costs $0.000056, the same call as before`,
    ]);
    expect(recorder.bill()).toEqual(["unknown: 1 call, $0.000056"]);
  });

  it.each([
    ["claude-code-2.1.332/plain", "claude-code", 1],
    ["claude-code-2.1.98/tools", "claude-code", 2],
    ["codex-0.130.0/tools", "codex", 2],
    ["codex-0.171.0/plain", "codex", 1],
    ["gemini-cli-0.32.1/tools", "gemini-cli", 2],
    ["qwen-code-0.24.4/subagent-files", "qwen-code", 4],
    ["copilot-cli-1.0.102/one-prompt-chat", "copilot", 1],
    ["opencode-1.18.33/openai-responses", "opencode", 1],
  ])("says of %s what a ledger would bill", async (scenario, program, calls) => {
    const { recorder } = await record(undefined, AFTER_ALL);
    // All at one address, as some agents send.
    for (const { path, json, bytes } of bodiesOf(scenario)) {
      const type = json ? "application/json" : "application/x-protobuf";
      await post(recorder.url + (json ? "/v1/traces" : path), bytes, { "content-type": type });
    }
    expect(recorder.bill()).toHaveLength(1);
    expect(recorder.bill()[0]).toMatch(new RegExp(`^${program}: ${calls} calls?, \\$`));
  });

  it("keeps what it cannot read", async () => {
    const { recorder, out, lines } = await record();
    await post(`${recorder.url}/v1/traces`, "\u0007", { "content-type": "application/x-protobuf" });
    await post(`${recorder.url}/v1/traces`, "{", { "content-type": "application/json", "content-encoding": "gzip" });
    expect(await readFile(join(out, "02.body"), "utf8")).toBe("{");
    expect(lines).toEqual([expect.stringContaining("not read"), expect.stringContaining("not read")]);
  });

  it("passes bodies on with the ledger's key, and its answer back", async () => {
    const seen: { headers: IncomingMessage["headers"]; url: string | undefined; body: Buffer }[] = [];
    const answer = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
      seen.push({ headers: incoming.headers, url: incoming.url, body: await buffer(incoming) });
      response.writeHead(429, { "content-type": "application/json", "retry-after": "7" }).end('{"code":8}');
    };
    const ledger = createServer((incoming, response) => void answer(incoming, response));
    await new Promise<void>((resolve) => void ledger.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(ledger.address() as AddressInfo).port}`;
    const { recorder, out } = await record(connect({ url, key: "k" }));
    const sent = JSON.stringify(request);
    const headers = { "content-type": "application/json", authorization: "Bearer other" };

    const answered = await post(`${recorder.url}/v1/traces`, sent, headers);
    expect([answered.status, answered.headers.get("retry-after"), await answered.text()]).toEqual([
      429,
      "7",
      '{"code":8}',
    ]);
    expect(seen).toMatchObject([{ url: "/v1/traces", headers: { authorization: "Bearer k" } }]);
    expect(seen[0]!.body.toString()).toBe(sent);

    ledger.closeAllConnections();
    await new Promise((resolve) => ledger.close(resolve));
    expect((await post(`${recorder.url}/v1/traces`, sent, headers)).status).toBe(503);
    expect(await readdir(out)).toContain("02.body");
  });

  it("does not mix two recordings in one folder", async () => {
    const { out } = await record();
    await writeFile(join(out, "01.body"), "");
    await expect(startRecorder({ out, port: 0, now: () => NOW, log: () => {} })).rejects.toThrow(CommandError);
  });

  it("says that the port is taken", async () => {
    const { recorder, out } = await record();
    const port = Number(new URL(recorder.url).port);
    await expect(startRecorder({ out, port, now: () => NOW, log: () => {} })).rejects.toThrow("--port");
  });

  it("reads its flags", () => {
    expect(parseCaptureArgs(["--out", "x"])).toEqual({ out: "x", port: 4318, forward: undefined, key: undefined });
    const help = () => parseCaptureArgs(["--help"]);
    expect(help).toThrow(HelpAsked);
    for (const flag of ["out", "port", "forward", "key"]) expect(help).toThrow(`--${flag}`);
    expect(() => parseCaptureArgs([])).toThrow("--out");
    expect(() => parseCaptureArgs(["--out", "x", "--port", "70000"])).toThrow("--port");
    expect(() => parseCaptureArgs(["--out", "x", "--bogus"])).toThrow("--bogus");
  });
});
