/** What Claude Code tells on stdin. Only what the line needs is read, and nothing of it is shown as it came. */
import type { Readable } from "node:stream";

export interface Told {
  sessionId?: string | undefined;
  /** The cost of the session as the agent has it. */
  costUsd?: number | undefined;
}

const MAX_BYTES = 1 << 20;
const MAX_ID = 512;

/** Text of a pipe that ends within a time; empty if it does not, or is too long. */
export async function readFor(stdin: Readable, ms: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  await new Promise<void>((done) => {
    const timer = setTimeout(done, ms);
    const end = (): void => {
      clearTimeout(timer);
      done();
    };
    stdin.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > MAX_BYTES) end();
    });
    stdin.on("end", end).on("error", end).on("close", end);
  });
  stdin.destroy();
  return bytes > MAX_BYTES ? "" : Buffer.concat(chunks).toString("utf8");
}

export function toldIn(text: string): Told {
  let told: unknown;
  try {
    told = JSON.parse(text);
  } catch {
    return {};
  }
  const id = memberOf(told, "session_id");
  const cost = memberOf(memberOf(told, "cost"), "total_cost_usd");
  return {
    sessionId: typeof id === "string" && isId(id) ? id : undefined,
    costUsd: typeof cost === "number" && cost >= 0 && cost < 1e9 ? cost : undefined,
  };
}

function memberOf(owner: unknown, name: string): unknown {
  return typeof owner === "object" && owner !== null && Object.hasOwn(owner, name)
    ? (owner as Record<string, unknown>)[name]
    : undefined;
}

function isId(text: string): boolean {
  return text !== "" && text.length <= MAX_ID && text.isWellFormed() && !/\p{Cc}/u.test(text);
}
