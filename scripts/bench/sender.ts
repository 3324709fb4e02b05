/** Posts calls to a project as fast as it goes, and checks that all that were acknowledged are stored, once. */
import { randomUUID } from "node:crypto";
import { connect } from "../client/ledger.ts";
import { type Call, calls, take } from "./calls.ts";
import { type Body, closedLoop } from "./closed-loop.ts";
import type { Bench } from "./context.ts";
import { type CpuSeconds, cpuOf } from "./cpu.ts";
import { otlpBody } from "./otlp.ts";
import { readStored, type Stored } from "./stored.ts";
import type { Project } from "./subject.ts";

export interface Form {
  contentType: string;
  bodyOf(calls: readonly Call[]): string | Uint8Array;
}

/** Both at `/v1/traces`. */
export const NATIVE: Form = { contentType: "application/json", bodyOf: (calls) => JSON.stringify(calls) };
export const OTLP: Form = { contentType: "application/x-protobuf", bodyOf: otlpBody };

export interface Posted {
  calls: number;
  requests: number;
  seconds: number;
  latenciesMs: number[];
  cpu: CpuSeconds;
  bodies: Body[];
}

export interface Sender {
  /** @param batch calls a request */
  post(batch: number, requests: number, connections: number): Promise<Posted>;
  /**
   * @returns what was stored of this sender's calls.
   * @throws unless it is what was acknowledged.
   */
  verify(): Promise<Stored>;
}

export async function startSender(
  { url, pool, labels }: Bench,
  project: Project,
  form: Form = NATIVE,
): Promise<Sender> {
  const source = calls(Date.now(), randomUUID(), labels);
  const sinceMs = Date.now() - 300_000;
  const before = await readStored(pool, project.id, sinceMs);
  const sent = { calls: 0, inputTokens: 0 };
  return {
    async post(batch, requests, connections) {
      const bodies = Array.from({ length: requests }, () => {
        const batchOfCalls = take(source, batch);
        sent.calls += batch;
        for (const { input_tokens } of batchOfCalls) sent.inputTokens += Number(input_tokens);
        return form.bodyOf(batchOfCalls);
      });
      using ledger = connect({ url, key: project.key });
      const headers = { "content-type": form.contentType };
      const { value, cpu } = await cpuOf(() =>
        closedLoop(ledger, { path: "/v1/traces", headers, bodies: bodies.values(), connections }),
      );
      const { seconds, latenciesMs } = value;
      return { calls: batch * requests, requests, seconds, latenciesMs, cpu, bodies };
    },
    async verify() {
      const after = await readStored(pool, project.id, sinceMs);
      const stored: Stored = {
        calls: after.calls - before.calls,
        inputTokens: after.inputTokens - before.inputTokens,
        costPico: after.costPico - before.costPico,
      };
      if (stored.calls !== sent.calls || stored.inputTokens !== sent.inputTokens) {
        throw new Error(
          `acknowledged ${sent.calls} calls of ${sent.inputTokens} input tokens, stored ${stored.calls} of ${stored.inputTokens}`,
        );
      }
      return stored;
    },
  };
}
