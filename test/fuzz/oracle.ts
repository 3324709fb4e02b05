/** What every answer has to be, whatever was asked. */
import type { Description } from "../http/described.ts";
import type { Input } from "./input.ts";
import type { Answer } from "./target.ts";

const NO_BODY = new Set([204, 304]);

/** @throws Error that says what is wrong with the answer. */
export async function judge(input: Input, answer: Answer, description: Description): Promise<void> {
  const { status, headers, body } = answer;
  if (status >= 500) judgeBusy(answer);
  if (status >= 400 && input.method !== "HEAD") judgeProblem(answer);
  if (status >= 300 && input.goods.length > 0 && status !== 503)
    throw new Error(`${status} refuses ${input.goods.length} good calls: ${String(body).slice(0, 300)}`);
  // What else a path may stand for, as `/a/..` does, is not described.
  if (URL.parse(`http://ledger${input.path}`)?.pathname !== input.path.split("?", 1)[0]) return;
  const request = new Request(`http://ledger${input.path}`, { method: input.method });
  const empty = NO_BODY.has(status) || body.length === 0;
  await description.check(request, "", new Response(empty ? null : body, { status, headers }));
}

function judgeBusy({ status, headers, body }: Answer): void {
  const text = body.toString("latin1");
  // An OTLP error has no code of ours; only the message tells.
  const overloaded = text.includes("overloaded") || text.includes("too many bodies are in work");
  if (status !== 503 || !overloaded || headers["retry-after"] === undefined) throw new Error(`${status}: ${text}`);
}

/** Problem details, or in answers to OTLP a `google.rpc.Status`. */
function judgeProblem({ status, headers, body }: Answer): void {
  const id = headers["x-request-id"];
  if (id === undefined) throw new Error(`${status} without X-Request-Id: ${body.toString("latin1").slice(0, 300)}`);
  const type = headers["content-type"];
  if (type === "application/x-protobuf") {
    // Field 1, the code, as a varint; field 2, the message.
    if (body[0] !== 0x08 || body[2] !== 0x12) throw new Error(`${status} is no google.rpc.Status`);
    return;
  }
  const { code, message, ...problem } = JSON.parse(String(body)) as Record<string, unknown>;
  if (type === "application/json") {
    if (typeof code !== "number" || typeof message !== "string") throw new Error(`${status} is no google.rpc.Status`);
    return;
  }
  if (type !== "application/problem+json") throw new Error(`${status} is ${type}, no problem details`);
  if (typeof code !== "string" || problem["status"] !== status || problem["request_id"] !== id)
    throw new Error(`${status} has wrong problem details: ${String(body).slice(0, 300)}`);
}
