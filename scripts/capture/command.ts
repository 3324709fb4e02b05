/** `npm run capture`, from its flags to its last line. */
import { once } from "node:events";
import { connect } from "../client/ledger.ts";
import { dataDir, findServer } from "../client/server.ts";
import type { Lifetime } from "../command.ts";
import { parseCaptureArgs } from "./options.ts";
import { startRecorder } from "./recorder.ts";

const TRUTH = {
  emitter: "name of the SDK",
  versions: { package: "1.2.3" },
  counts: { bodies: 1, spans: 1 },
  billable: [
    {
      provider: "openai",
      model: "the one that answered",
      request_model: "the one asked for",
      operation: "chat",
      input_tokens: 0,
      output_tokens: 0,
      cache_read_tokens: 0,
      cache_write_tokens: 0,
      cache_write_5m_tokens: 0,
      cache_write_1h_tokens: 0,
      reasoning_tokens: 0,
      error: false,
      service_tier: null,
      user_id: null,
      session_id: null,
      application: "service.name",
      environment: null,
      tags: {},
      not_transmitted: [],
    },
  ],
};

export async function main(args: readonly string[], { ends, endByItself }: Lifetime): Promise<void> {
  const { out, port, forward: url, key } = parseCaptureArgs(args);
  const forwardTo =
    url === undefined ? undefined : ends.use(connect(await findServer({ url, key }, dataDir(process.env))));
  const ended = once(endByItself(), "abort");
  const recorder = await startRecorder({ out, port, forwardTo, now: Date.now, log: (line) => console.log(line) });
  console.log(`Recording to ${out}. Point the SDK at it, and end with Ctrl-C:

  export OTEL_EXPORTER_OTLP_ENDPOINT=${recorder.url}

Warning: prompts and completions that the SDK sends are in the bodies, so read them before you share them.\n`);
  await ended;
  await recorder.close();
  console.log(report(out, recorder.written(), recorder.bill()));
}

function report(out: string, written: number, bill: readonly string[]): string {
  if (written === 0) return "\nNothing came.";
  return `\n${written} ${written === 1 ? "body" : "bodies"} in ${out}.
${bill.length === 0 ? "Nothing would be billed." : `A ledger would bill:\n  ${bill.join("\n  ")}`}
Was a call read wrong? Report it with this folder and a truth.json: one entry for each call that reached the provider,
failed ones too, in the order of their starts, with what the provider answered (not what is printed above).
input_tokens holds cache reads and writes, output_tokens the reasoning; not_transmitted names the fields whose true
value is nowhere in the bodies.

${JSON.stringify(TRUTH, null, 1)}`;
}
