/** What handlers find on a request. */
import type { Context } from "hono";
import type { Deps, KeepAlive } from "../deps.ts";
import type { Caller } from "../keys.ts";

export interface AppEnv {
  Variables: {
    requestId: string;
    /** Set by `requireScope`. */
    caller: Caller;
    /** Set once a body turns out to be OTLP: errors then answer in its form. */
    otlp: "protobuf" | "json";
  };
}

export type AppContext = Context<AppEnv>;
export type { Deps };

export function keepAliveOf(c: AppContext): KeepAlive {
  return (work) => c.executionCtx.waitUntil(work);
}
