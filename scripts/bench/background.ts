/**
 * Ingest that goes on until it is told to stop, from a process of its own: what is timed meanwhile waits only for
 * others.
 */
import { fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect } from "../client/ledger.ts";
import { calls, take } from "./calls.ts";
import { closedLoop } from "./closed-loop.ts";

export interface BackgroundOptions {
  url: string;
  key: string;
  batch: number;
  connections: number;
  /** Labels of a call. */
  labels?: number;
}

/** What was acknowledged. */
export interface Sent {
  calls: number;
  inputTokens: number;
  seconds: number;
}

export async function startBackground(options: BackgroundOptions): Promise<{ stop(): Promise<Sent> }> {
  const child = fork(import.meta.filename);
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`ingest in the background ended with code ${String(code)}`);
  });
  ended.catch(() => {});
  child.send(options);
  return {
    async stop() {
      const answer = once(child, "message");
      if (child.connected) child.send("stop");
      const [sent] = (await Promise.race([answer, ended])) as [Sent];
      child.disconnect();
      return sent;
    },
  };
}

async function ingest({ url, key, batch, connections, labels }: BackgroundOptions, stop: AbortSignal): Promise<Sent> {
  const source = calls(Date.now(), randomUUID(), labels);
  const sent = { calls: 0, inputTokens: 0 };
  function* bodies(): Generator<string> {
    while (!stop.aborted) {
      const next = take(source, batch);
      sent.calls += batch;
      for (const { input_tokens } of next) sent.inputTokens += Number(input_tokens);
      yield JSON.stringify(next);
    }
  }
  using ledger = connect({ url, key });
  const { seconds } = await closedLoop(ledger, { path: "/v1/traces", bodies: bodies(), connections });
  return { ...sent, seconds };
}

if (import.meta.main) {
  const [options] = (await once(process, "message")) as [BackgroundOptions];
  const stop = new AbortController();
  for (const event of ["message", "disconnect"]) process.once(event, () => stop.abort());
  const sent = await ingest(options, stop.signal);
  if (process.connected) process.send?.(sent);
}
